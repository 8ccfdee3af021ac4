// @ts-check
// What every page does with script. Without it every page still works.

/** @param {string} name @param {string} value */
function remember(name, value) {
  document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax`;
}

const dark = matchMedia("(prefers-color-scheme: dark)");

function switchTheme() {
  const root = document.documentElement;
  const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  document.querySelector("meta[name=color-scheme]")?.setAttribute("content", next);
  remember("portico_theme", next);
}

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const shapes = {
  when: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
  day: { day: "numeric", month: "short", year: "numeric" },
  exact: {
    year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  },
};
const counts = new Intl.NumberFormat();

/**
 * Shows times in the reader's own zone and language, and numbers in theirs.
 * @param {ParentNode} within
 */
function localize(within) {
  for (const time of within.querySelectorAll("time[data-as]")) {
    if (!(time instanceof HTMLTimeElement)) continue;
    const at = new Date(time.dateTime);
    const shape = shapes[time.dataset.as ?? "when"];
    if (Number.isNaN(at.valueOf()) || !shape) continue;
    time.title = time.dateTime;
    time.textContent = new Intl.DateTimeFormat(undefined, shape).format(at);
    delete time.dataset.as;
  }
  for (const data of within.querySelectorAll("data.num[value]:not([title])")) {
    if (data instanceof HTMLDataElement) data.textContent = counts.format(Number(data.value));
  }
  for (const button of within.querySelectorAll("[data-copy]")) {
    if (button instanceof HTMLElement) button.hidden = false;
  }
}

/** @param {HTMLElement} button */
async function copy(button) {
  const from = button.dataset.copy ?? "";
  const text = from.startsWith("#") ? document.querySelector(from)?.textContent : from;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text ?? "");
    button.textContent = "Copied";
  } catch {
    // No clipboard without TLS: mark the text, so that Ctrl-C takes it.
    const source = from.startsWith("#") ? document.querySelector(from) : null;
    if (source) getSelection()?.selectAllChildren(source);
    button.textContent = "Press Ctrl-C";
  }
  setTimeout(() => { button.textContent = label; }, 2_000);
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const copier = target?.closest("[data-copy]");
  if (copier instanceof HTMLElement) void copy(copier);
  if (target?.closest("[data-theme-toggle]")) switchTheme();
});

// A second click on a button sends nothing: the house would answer it once anyway.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    form.removeAttribute("data-sent");
    form.removeAttribute("aria-busy");
  }
});

document.addEventListener("htmx:afterSwap", () => localize(document));
for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  if (button instanceof HTMLElement) button.hidden = false;
}
localize(document);
document.querySelector(".fault-box")?.scrollIntoView({ block: "nearest" });
const faulty = document.querySelector("[aria-invalid=true]");
if (faulty instanceof HTMLElement) faulty.focus();
