// @ts-check
// Shows new events of the record as they come. Without script the page is loaded again.

/** Rows that the table keeps at most. */
const ROWS_MAX = 200;

/** @type {EventSource | null} */
let source = null;
/** Rows that came while the list was paused, oldest first. @type {string[]} */
let waiting = [];
let paused = false;

/** @returns {HTMLButtonElement | null} */
const button = () => document.querySelector("button[data-tail]");
/** @returns {HTMLElement | null} */
const table = () => document.querySelector("[data-tail-table]");

/** @param {string} text */
function say(text) {
  const state = document.querySelector("[data-tail-state]");
  if (!(state instanceof HTMLElement)) return;
  state.hidden = false;
  const line = state.querySelector("[role=status]");
  if (line && line.textContent !== text) line.textContent = text;
}

/** @param {string} text */
function label(text) {
  const words = button()?.querySelector("span");
  if (words) words.textContent = text;
}

/**
 * Puts a row on top. The house wrote it, with every stranger's text escaped.
 * @param {string} html
 */
function show(html) {
  const whole = table();
  const body = whole?.querySelector("tbody");
  if (!whole || !body) return;
  const template = document.createElement("template");
  template.innerHTML = html;
  const row = template.content.firstElementChild;
  if (!(row instanceof HTMLElement)) return;
  if (body.querySelector(`[data-sequence="${CSS.escape(row.dataset.sequence ?? "")}"]`)) return;
  body.prepend(row);
  while (body.rows && body.rows.length > ROWS_MAX) body.rows[body.rows.length - 1]?.remove();
  whole.hidden = false;
  const empty = document.querySelector("#events .empty");
  if (empty instanceof HTMLElement) empty.hidden = true;
  // The page's own script writes times as the reader does after each change.
  document.dispatchEvent(new Event("htmx:afterSwap"));
}

function begin() {
  const address = button()?.dataset.tail;
  if (!address) return;
  waiting = [];
  paused = false;
  source = new EventSource(address);
  label("Pause");
  say("Following: new events appear on top.");
  source.addEventListener("row", (event) => {
    if (!(event instanceof MessageEvent)) return;
    if (!paused) return show(event.data);
    waiting.push(event.data);
    if (waiting.length > ROWS_MAX) waiting.shift();
    label(`Resume (${waiting.length} new)`);
  });
  source.addEventListener("left-out", (event) => {
    if (event instanceof MessageEvent) {
      say(`Following. ${event.data} events came too fast to be shown; load the page again to see them.`);
    }
  });
  source.addEventListener("error", () => {
    // The browser comes again by itself unless it was told that this is over.
    if (source?.readyState === EventSource.CLOSED) {
      end("Following has ended. It lasts ten minutes at a time.");
    }
  });
}

/** @param {string} text */
function end(text) {
  source?.close();
  source = null;
  for (const html of waiting) show(html);
  waiting = [];
  label("Follow live");
  if (text) say(text);
}

function toggle() {
  if (!source) return begin();
  paused = !paused;
  if (paused) {
    label("Resume");
    say("Paused. What comes now waits.");
    return;
  }
  for (const html of waiting) show(html);
  waiting = [];
  label("Pause");
  say("Following: new events appear on top.");
}

document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("button[data-tail]")) toggle();
});
document.addEventListener("change", (event) => {
  if (event.target instanceof HTMLInputElement && event.target.id === "aloud") {
    table()?.querySelector("tbody")?.setAttribute("aria-live", event.target.checked ? "polite" : "off");
  }
});
// Another filter is another list.
document.addEventListener("htmx:beforeSwap", () => end(""));

function ready() {
  const start = button();
  if (start && "EventSource" in window) start.hidden = false;
}
document.addEventListener("htmx:afterSwap", ready);
// Going back shows the page as it was left, which nothing follows any more.
document.addEventListener("htmx:historyRestore", () => { end(""); ready(); });
addEventListener("pagehide", () => source?.close());
ready();
