// Resident identity numbers (GB 11643-1999): checked as they are typed; a sound one fills birth date and sex.
//   <input data-resident-id data-birth-date="name of the field" data-sex="name of the field">
// The server holds the same rule (telemed.domain.patient) and has the last word.

import { aimedAt } from "./element.js";
import { setFieldError } from "./field-errors.js";
import { t } from "./i18n.js";

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]; // GB 11643-1999, section 3.5 (ISO 7064 MOD 11-2)
const CHECK_CHARACTERS = "10X98765432";

/**
 * Full-width digits and a small x, as input methods make them, are meant as the plain ones.
 * @param {string} text
 */
export function normaliseResidentId(text) {
  return text.normalize("NFKC").replace(/\s/g, "").toUpperCase();
}

/**
 * @param {number} year
 * @param {number} month
 * @param {number} day
 */
function isDate(year, month, day) {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/**
 * What is wrong with a number: "" | "length" | "digits" | "date" | "check-digit".
 * @param {string} number
 * @returns {"" | "length" | "digits" | "date" | "check-digit"}
 */
export function residentIdFault(number) {
  if (number.length !== 18) return "length";
  if (!/^\d{17}[\dX]$/.test(number)) return "digits";
  if (!isDate(+number.slice(6, 10), +number.slice(10, 12), +number.slice(12, 14))) return "date";
  const total = WEIGHTS.reduce((sum, weight, index) => sum + weight * Number(number[index]), 0);
  return CHECK_CHARACTERS[total % 11] === number[17] ? "" : "check-digit";
}

/**
 * Birth date (ISO) and sex (FHIR) that a sound number carries: digits 7-14; digit 17 is odd for men.
 * @param {string} number
 */
export function residentIdFacts(number) {
  return {
    birthDate: `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`,
    sex: Number(number[16]) % 2 ? "male" : "female",
  };
}

/** @param {ReturnType<typeof residentIdFault>} fault */
function faultSentence(fault) {
  return {
    "": "",
    length: t("A resident identity number has 18 characters."),
    digits: t("17 digits, then a digit or X."),
    date: t("Digits 7 to 14 are not a date."),
    "check-digit": t("The check digit does not fit: one of the digits is wrong."),
  }[fault];
}

/**
 * @param {HTMLFormElement | Document} form
 * @param {string | undefined} name
 * @param {string} value
 */
function fillIfEmpty(form, name, value) {
  const controls = name ? [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)] : [];
  const radio = controls.find((control) => control.type === "radio" && control.value === value);
  if (radio) {
    if (!controls.some((control) => "checked" in control && control.checked)) radio.click();
  } else if (controls[0] && controls[0].type !== "radio" && !controls[0].value) {
    controls[0].value = value;
    controls[0].dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/**
 * @param {HTMLInputElement} input
 * @param {boolean} leaving
 */
function check(input, leaving) {
  const number = normaliseResidentId(input.value);
  const fault = number === "" ? "" : residentIdFault(number);
  // Nobody wants to be told about length before having finished typing.
  setFieldError(input, fault === "length" && !leaving && number.length < 18 ? "" : faultSentence(fault));
  input.setCustomValidity(faultSentence(fault));
  if (number === "" || fault) return;
  if (input.value !== number) input.value = number;
  const facts = residentIdFacts(number);
  fillIfEmpty(input.form ?? document, input.dataset.birthDate, facts.birthDate);
  fillIfEmpty(input.form ?? document, input.dataset.sex, facts.sex);
}

export function start() {
  document.addEventListener("input", (event) => {
    const input = aimedAt(event, "input[data-resident-id]");
    if (input && !(event instanceof InputEvent && event.isComposing)) check(input, false);
  });
  document.addEventListener("focusout", (event) => {
    const input = aimedAt(event, "input[data-resident-id]");
    if (input) check(input, true);
  });
}
