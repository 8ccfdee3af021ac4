// @ts-check
// Streams answers into the page. What a model writes is only ever put into the page as
// text; its HTML comes from the server, which makes it safe.

/** @typedef {{ detail?: string, code?: string, status?: number }} Problem */

/** The answer that is under way, if one is. @type {AbortController | null} */
let under_way = null;

/**
 * An element of the page.
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} kind
 * @param {ParentNode} [within]
 * @returns {T | null}
 */
function find(selector, kind, within = document) {
  const found = within.querySelector(selector);
  return found instanceof kind ? found : null;
}

/** The conversation of this page, if it has one. @returns {string | null} */
function conversation() {
  return /^\/chat\/(conv_[0-9A-Z]+)$/.exec(location.pathname)?.[1] ?? null;
}

/** @param {string} words */
function tell(words) {
  const place = find("[data-status]", HTMLElement);
  if (place) place.textContent = words;
}

/** @param {string | null} sentence */
function fault(sentence) {
  const box = find("[data-fault]", HTMLElement);
  const text = find("[data-fault] p", HTMLElement);
  if (!box || !text) return;
  text.textContent = sentence ?? "";
  box.hidden = sentence === null;
}

/** Shows the button that makes sense now. @param {boolean} answering */
function buttons(answering) {
  const send = find("[data-send]", HTMLButtonElement);
  const stop = find("[data-stop]", HTMLButtonElement);
  if (!send || !stop) return;
  const focused = document.activeElement;
  send.hidden = answering;
  stop.hidden = !answering;
  if (focused === send || focused === stop) (answering ? stop : send).focus();
}

/** How far the end of the talk is below the place where one writes. */
function below() {
  const [log, form] = [find("#chat-log", HTMLElement), find("form.ask", HTMLElement)];
  if (!log) return 0;
  const box = find("[data-fault]", HTMLElement);
  const place = (form?.offsetHeight ?? 0) + (box?.offsetHeight ?? 0);
  return log.getBoundingClientRect().bottom + place - innerHeight;
}

/** Whether the reader is at the end of the talk, and wants to stay there. */
function at_the_end() {
  return below() < 120;
}

function to_the_end() {
  const far = below();
  if (far > 0) scrollBy({ top: far });
}

/**
 * A message while it is not kept yet.
 * @param {"asked" | "answered"} side
 * @param {string} text
 * @returns {HTMLElement}
 */
function add(side, text) {
  const article = document.createElement("article");
  article.className = `turn ${side}`;
  article.setAttribute("aria-label", side === "asked" ? "Question" : "Answer");
  article.append(document.createTextNode(text));
  const log = find("#chat-log", HTMLElement);
  log?.querySelector(".empty")?.remove();
  log?.append(article);
  return article;
}

/** @param {string} method @param {string} path @param {unknown} body @param {AbortSignal} [signal] */
function ask(method, path, body, signal) {
  return fetch(path, {
    method,
    headers: { "content-type": "application/json", accept: "text/event-stream, application/json" },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
}

/**
 * Reads server-sent events, whatever pieces they come in.
 * @param {ReadableStream<Uint8Array>} body
 * @param {(name: string, data: any) => void} hear
 */
async function events(body, hear) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let waiting = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    waiting += decoder.decode(value, { stream: true });
    const whole = waiting.split("\n\n");
    waiting = whole.pop() ?? "";
    for (const event of whole) {
      let name = "message";
      let data = "";
      for (const line of event.split("\n")) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        if (line.startsWith("data:")) data += line.slice(5);
      }
      if (data) hear(name, JSON.parse(data));
    }
  }
}

/** What a refusal says. @param {Response} response @returns {Promise<Problem>} */
async function problem_of(response) {
  try {
    return await response.json();
  } catch {
    return { status: response.status };
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}

/**
 * Fetches this page again and puts its parts in place, as the server made them. An answer
 * that was stopped is kept a moment later: it is waited for.
 * @returns {Promise<number | null>} how many messages there are
 */
async function refresh() {
  const id = conversation();
  if (!id) return null;
  for (let tries = 0; tries < 20; tries += 1) {
    const response = await fetch(`/chat/${id}`, { headers: { accept: "text/html" } });
    if (!response.ok || response.redirected) {
      location.assign(`/chat/${id}`);
      return null;
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const log = find("#chat-log", HTMLElement, page);
    if (log?.dataset.answering === "true" && tries < 19) {
      await pause(150);
      continue;
    }
    place(page);
    return Number(log?.dataset.messages ?? 0);
  }
  return null;
}

/** Puts what has changed in place; what is being typed stays. @param {Document} page */
function place(page) {
  for (const part of ["#chat-log", "#chat-found", "#chat-more", ".page-head"]) {
    const [now, then] = [document.querySelector(part), page.querySelector(part)];
    if (now && then) now.replaceWith(document.adoptNode(then));
  }
  const [now, then] = [find("form.ask", HTMLFormElement), find("form.ask", HTMLFormElement, page)];
  if (now && then) {
    now.action = then.getAttribute("action") ?? now.action;
    now.querySelector("[name=after]")?.remove();
    const after = then.querySelector("[name=after]");
    if (after) now.prepend(document.adoptNode(after));
  }
  document.title = page.title;
  // Times, numbers and copy buttons of what is new.
  document.dispatchEvent(new CustomEvent("htmx:afterSwap"));
}

/**
 * Asks, and shows the answer while it comes.
 * @param {string} method
 * @param {string} path
 * @param {Record<string, unknown>} body
 * @returns {Promise<boolean>} whether anything was kept
 */
async function talk(method, path, body) {
  const stop = new AbortController();
  under_way = stop;
  const before = Number(find("#chat-log", HTMLElement)?.dataset.messages ?? 0);
  buttons(true);
  fault(null);
  tell("Asking.");
  const answer = add("answered", "");
  answer.setAttribute("aria-busy", "true");
  const text = document.createElement("p");
  text.className = "live";
  answer.replaceChildren(text);
  /** @type {string | null} */
  let wrong = null;
  // Refused before anything was kept: what is wrong is in the request, not in the answer.
  let untouched = false;
  let end = "The answer is complete.";
  try {
    const response = await ask(method, path, { ...body, stream: true }, stop.signal);
    if (response.status === 401) location.reload();
    if (!response.ok || !response.body) {
      const problem = await problem_of(response);
      wrong = problem.detail ?? `the answer was ${response.status}`;
      untouched = response.status === 409 || response.status === 422;
      end = "There is no answer.";
    } else {
      tell("The answer is being written.");
      await events(response.body, (name, data) => {
        const follow = at_the_end();
        if (name === "text") text.append(document.createTextNode(data.text));
        if (name === "problem") wrong = data.detail;
        if (name === "end" && data.message?.answer?.ending !== "complete") end = "The answer broke off.";
        if (follow) to_the_end();
      });
    }
  } catch {
    end = stop.signal.aborted ? "Stopped. What was shown is kept." : "The connection was lost.";
  }
  const after = await refresh().catch(() => null);
  if (after === null) answer.removeAttribute("aria-busy");
  under_way = null;
  buttons(false);
  tell(end);
  const kept = after !== null && !untouched && (after !== before || wrong === null);
  if (wrong !== null && !kept) fault(sentence(wrong));
  to_the_end();
  return kept;
}

/** @param {string} text */
function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** @param {FormData} form @param {string} name */
function field(form, name) {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

/** A conversation for a first question. @param {string} model @returns {Promise<string | null>} */
async function start(model) {
  const response = await ask("POST", "/api/conversations", { model });
  if (response.status === 401) location.reload();
  if (!response.ok) {
    const problem = await problem_of(response);
    fault(sentence(problem.detail ?? "The conversation could not be started"));
    return null;
  }
  const { id } = await response.json();
  history.replaceState(null, "", `/chat/${id}`);
  return id;
}

/** @param {HTMLFormElement} form */
async function send(form) {
  const [data, typed] = [new FormData(form), find("textarea", HTMLTextAreaElement, form)];
  const [text, model] = [field(data, "text").trim(), field(data, "model")];
  if (!text || !typed) return;
  const id = conversation() ?? await start(model);
  if (!id) return;
  typed.value = "";
  const question = add("asked", text);
  to_the_end();
  const after = Number(field(data, "after") || 0);
  const kept = await talk("POST", `/api/conversations/${id}/messages`, { text, model, after });
  if (!kept && !typed.value) {
    question.remove();
    typed.value = text;
  }
  typed.focus();
}

/** @param {HTMLFormElement} form */
async function edit(form) {
  const [id, data] = [conversation(), new FormData(form)];
  const text = field(data, "text").trim();
  if (!id || !text) return;
  const from = form.closest(".turn");
  while (from?.nextElementSibling) from.nextElementSibling.remove();
  from?.replaceChildren(document.createTextNode(text));
  const position = Number(field(data, "position"));
  const model = find("#f-model", HTMLSelectElement)?.value ?? null;
  const body = { text, model, after: Number(field(data, "after")) };
  await talk("PUT", `/api/conversations/${id}/messages/${position}`, body);
  find("form.ask textarea", HTMLTextAreaElement)?.focus();
}

/** @param {HTMLFormElement} form */
async function retry(form) {
  const [id, data] = [conversation(), new FormData(form)];
  if (!id) return;
  form.closest(".turn")?.remove();
  const model = find("#f-model", HTMLSelectElement)?.value ?? null;
  await talk("POST", `/api/conversations/${id}/retry`, { model, after: Number(field(data, "after")) });
  find("form.ask textarea", HTMLTextAreaElement)?.focus();
}

/** @type {Record<string, (form: HTMLFormElement) => Promise<void>>} */
const verbs = { ask: send, edit, retry };

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  const verb = verbs[form.dataset.chat ?? ""];
  if (!verb) return;
  event.preventDefault();
  if (!under_way) void verb(form);
}, { capture: true });

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("[data-stop]")) under_way?.abort();
});

// Enter sends, Shift-Enter is a new line; not while a word is being composed.
document.addEventListener("keydown", (event) => {
  const typed = event.target;
  if (!(typed instanceof HTMLTextAreaElement) || typed.id !== "f-text") return;
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  typed.form?.requestSubmit();
});

// On a phone the list would stand before the talk.
if (matchMedia("(max-width: 60rem)").matches) {
  find("#chat-list details", HTMLDetailsElement)?.removeAttribute("open");
}
if (location.hash === "" && conversation()) to_the_end();
if (find("#chat-log", HTMLElement)?.dataset.answering === "true") void refresh();
