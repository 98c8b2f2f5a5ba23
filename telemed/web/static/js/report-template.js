// Templates: a whole report in one press. Text that was there comes back with "undo".

import { t } from "./i18n.js";
import { choose, chosen } from "./result.js";
import { offerUndo } from "./undo.js";

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 */
function control(form, name) {
  return form.querySelector(`[name="sections.${CSS.escape(name)}"]`);
}

/**
 * @param {HTMLFormElement} form
 * @param {Record<string, string>} texts
 */
function put(form, texts) {
  for (const [name, text] of Object.entries(texts)) {
    const area = control(form, name);
    if (area) area.value = text;
  }
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Put the template's texts into the form. `negative`: it is the report of nothing found, and who chooses it chooses its result.
 * @param {HTMLFormElement} form
 * @param {Record<string, string>} sections
 * @param {boolean} negative
 */
export function fillTemplate(form, sections, negative) {
  const before = Object.fromEntries(Object.keys(sections).map((name) => [name, control(form, name)?.value ?? ""]));
  const result = chosen(form);
  put(form, sections);
  if (negative) choose(form, "negative");
  control(form, Object.keys(sections)[0])?.focus();
  if (Object.values(before).every((text) => text.trim() === "")) return;
  offerUndo(t("The template took the place of the text."), () => {
    choose(form, result);
    put(form, before);
  });
}
