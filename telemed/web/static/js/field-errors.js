// Errors stand next to what caused them. _form.html draws the place: [data-field] with [data-error-text] inside.

import { el } from "./element.js";

/**
 * Show a sentence beside a control; an empty sentence takes it away.
 * @param {Element} control
 * @param {string} sentence
 */
export function setFieldError(control, sentence) {
  const field = control.closest("[data-field]");
  const text = field?.querySelector("[data-error-text]");
  if (!text) return;
  text.textContent = sentence;
  if (text.parentElement) text.parentElement.hidden = sentence === "";
  field?.classList.toggle("field-invalid", sentence !== "");
  if (sentence) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

/**
 * Show the errors of a problem document [{field, message}]; those without a place of their own come first, together.
 * @param {HTMLFormElement} form
 * @param {FieldError[]} errors
 */
export function showErrors(form, errors) {
  for (const control of form.querySelectorAll("[aria-invalid]")) setFieldError(control, "");
  form.querySelector("[data-other-errors]")?.remove();
  /** @type {string[]} */
  const homeless = [];
  /** @type {Control | null} */
  let first = null;
  for (const { field, message } of errors) {
    const control = form.querySelector(`[name="${CSS.escape(field ?? "")}"]`);
    if (control?.closest("[data-field]")) {
      setFieldError(control, message);
      first ??= control;
    } else homeless.push(field ? `${field}: ${message}` : message);
  }
  if (homeless.length) {
    form.prepend(el("div", { class: "notice tone-critical", role: "alert", "data-other-errors": true }, homeless.join(" · ")));
  }
  first?.focus();
}
