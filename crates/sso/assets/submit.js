// Goes on to the identity provider without a click. Without script the button does it.
const form = document.querySelector("form[data-submit]");
if (form instanceof HTMLFormElement) {
  form.requestSubmit();
}
