// The result of a report: not judged until its writer chooses. No choice is made for anybody, and the password is not asked for before.
//
//   <fieldset data-result data-field="result"> with <input type="radio" name="result" value="negative|positive|not-judged">
//   [data-shown-result]     in a sheet: the result that is about to be signed
//
// A critical value that is declared makes the draft positive on the server; the form follows, and says so.

import { setFieldError } from "./field-errors.js";
import { t } from "./i18n.js";
import { message } from "./message.js";

const NOBODYS = "not-judged"; // what the server keeps while nobody has chosen

/** @param {ParentNode} form */
const choices = (form) => /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("input[name=result]")]);

/**
 * The result that is chosen in a form, empty while there is none.
 * @param {ParentNode} form
 */
export const chosen = (form) => choices(form).find((each) => each.checked)?.value ?? "";

/**
 * Choose a result as a press would; one that the form does not have is left alone, an empty one takes the choice away.
 * @param {HTMLFormElement} form
 * @param {string} result
 */
export function choose(form, result) {
  const all = choices(form);
  if (!all.length || chosen(form) === result) return;
  if (result && !all.some((each) => each.value === result)) return;
  for (const each of all) each.checked = each.value === result;
  setFieldError(all[0], "");
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

/**
 * True if a result is chosen, or the report has none. Else it is asked for, where it stands.
 * @param {HTMLFormElement} form
 */
export function resultIsChosen(form) {
  const [first] = choices(form);
  if (!first) return true;
  const missing = chosen(form) === "";
  setFieldError(first, missing ? t("Choose a result before signing") : "");
  if (missing) first.focus();
  return !missing;
}

/**
 * What the form is to show when the server has another result; null where it stays as it is. What the writer has just chosen and the
 * server does not have yet stays.
 * @param {string} here
 * @param {string} saved
 * @param {string} server
 * @returns {string | null}
 */
export function resultToFollow(here, saved, server) {
  /** @param {string} result */
  const plain = (result) => (result === NOBODYS ? "" : result);
  if (plain(here) !== plain(saved) || plain(here) === plain(server)) return null;
  return plain(server);
}

/**
 * The form follows the server, which another step has changed: a critical value was declared, or the last one withdrawn.
 * @param {HTMLFormElement} form
 * @param {ParentNode} fresh
 * @param {ReturnType<typeof import("./autosave.js").draftOf>} draft
 */
export function followResult(form, fresh, draft) {
  const result = resultToFollow(chosen(form), String(draft?.saved.result ?? ""), chosen(fresh));
  if (result === null) return;
  draft?.learned("result", result);
  choose(form, result);
  const text =
    result === "positive" ? t("A critical value is on record: the result is positive now.") : t("The result has to be chosen again.");
  message(text, { tone: "near" });
}

/**
 * Write the chosen result into the sheet in which it is signed.
 * @param {HTMLFormElement} form
 * @param {ParentNode} sheet
 */
export function showResult(form, sheet) {
  const place = sheet.querySelector("[data-shown-result]");
  const label = choices(form)
    .find((each) => each.checked)
    ?.closest("label");
  if (place) place.textContent = label?.querySelector("span")?.textContent?.trim() ?? "";
}
