// Finds what a person would point at by its name, as a screen reader says it.
// Arguments: "press" or "field"; the name; what it stands in, or null.
const [kind, wanted, place] = arguments;
const squeeze = (text) => text.replace(/\s+/g, " ").trim();

/** The text of an element, as it is read out. */
const read = (element) => {
  const copy = element.cloneNode(true);
  const silent = "[aria-hidden=true], [hidden], svg, script, input, select, textarea";
  for (const part of copy.querySelectorAll(silent)) part.remove();
  return squeeze(copy.textContent);
};

const name = (element) => {
  const by = element.getAttribute("aria-labelledby");
  if (by) {
    const parts = by.split(/\s+/).map((id) => document.getElementById(id));
    return squeeze(parts.map((part) => (part ? read(part) : "")).join(" "));
  }
  const label = element.getAttribute("aria-label");
  if (label) return squeeze(label);
  if (element.labels?.length) return squeeze([...element.labels].map(read).join(" "));
  if (element instanceof HTMLInputElement) return squeeze(element.value || element.title);
  return read(element) || squeeze(element.title);
};

const kinds = {
  press: "button, a[href], summary, [role=button], [role=tab], [role=menuitem], "
    + "input[type=submit], input[type=radio], input[type=checkbox]",
  field: "input:not([type=hidden]), select, textarea, [contenteditable=true]",
};
const seen = (element) => element.checkVisibility({ visibilityProperty: true });
const all = [...document.querySelectorAll(kinds[kind])].filter(seen);
let named = all.filter((element) => name(element) === wanted);

if (place !== null) {
  // The smallest part of the page that says so and has one of them in it.
  const holds = "tr, li, article, section, fieldset, form, details, dialog, nav, header, .card";
  const about = (part) =>
    squeeze(part.getAttribute("aria-label") ?? "") === place || read(part).includes(place);
  const parts = [...document.querySelectorAll(holds)].filter(about);
  const with_one = parts.filter((part) => named.some((element) => part.contains(element)));
  const smallest = with_one.filter((part) => !with_one.some((other) => other !== part && part.contains(other)));
  named = smallest.length ? named.filter((element) => smallest[0].contains(element)) : [];
}
// What is on the page itself comes before what is around every page.
for (const part of ["dialog[open]", "main"]) {
  const inside = named.filter((element) => element.closest(part));
  if (inside.length) {
    named = inside;
    break;
  }
}
const targets = new Set(named.map((element) => element.href ?? element));
return { found: targets.size === 1 ? named[0] : null, count: targets.size, names: all.map(name) };
