// Taking the analysis's proposal over: what of it goes into the findings, and which result it means. It is the reader who takes it over:
// pressing the key is their choice, and everything can still be changed before it is signed.

import { t } from "../i18n.js";

/** @typedef {"negative" | "positive" | ""} Result empty: it says nothing either way */

const STOP = t(".");

/** Statements that say nothing of a disease, after the list that the picker uses. */
const NEGATIVE = new Set(["sinus-rhythm", "sinus-arrhythmia"]);
/** Statements that the tracing says nothing at all. */
const SILENT = new Set(["unreadable", "asystole-suspected"]);

/**
 * The result that proposed statements mean: positive as soon as one is more than a normal rhythm, or a limit for critical values is
 * reached; nothing where the tracing cannot be read, or nothing is stated.
 * @param {string[]} codes
 * @param {number} critical number of limits reached
 * @returns {Result}
 */
export function resultOf(codes, critical) {
  if (critical > 0) return "positive";
  if (!codes.length || codes.some((code) => SILENT.has(code))) return "";
  return codes.every((code) => NEGATIVE.has(code)) ? "negative" : "positive";
}

/**
 * The result that a form has after the proposal was taken over: what a reader chose is never made less than it is.
 * @param {string} before
 * @param {Result} proposed
 */
export const resultAfter = (before, proposed) => (proposed === "positive" || !before ? proposed || before : before);

/**
 * The findings in a sentence: what is stated, then the numbers that there are.
 * @param {string[]} statements
 * @param {Record<string, number | null | undefined>} numbers by the names of the `ecg` library
 */
export function findingsText(statements, numbers) {
  /** @param {string} name */
  const whole = (name) => {
    const value = numbers[name];
    return typeof value === "number" && Number.isFinite(value) ? String(Math.round(value)) : "";
  };
  const [qt, qtc] = [whole("qt"), whole("qtc_bazett")];
  const parts = [
    whole("rate") && t("rate {value}/min", { value: whole("rate") }),
    whole("pr") && t("PR {value} ms", { value: whole("pr") }),
    whole("qrs_duration") && t("QRS {value} ms", { value: whole("qrs_duration") }),
    qt && qtc ? t("QT/QTc {qt}/{qtc} ms", { qt, qtc }) : qt && t("QT {value} ms", { value: qt }),
    whole("axis") && t("axis {value}°", { value: whole("axis") }),
  ].filter(Boolean);
  const words = [...statements, ...parts];
  return words.length ? words.reduce((first, second) => t("{first}, {second}", { first, second })) + STOP : "";
}
