// What the analysis' codes and numbers are called.

import { t } from "../i18n.js";

/** @import { Evidence, Filter, Tracing } from "./tracing.js" */

/** Name, label, unit and decimals. @type {[name: string, label: string, unit: string, digits: number][]} */
export const MEASURES = [
  ["rate", t("Heart rate"), "/min", 0],
  ["p_duration", t("P duration"), "ms", 0],
  ["pr", t("PR interval"), "ms", 0],
  ["qrs_duration", t("QRS duration"), "ms", 0],
  ["qt", t("QT interval"), "ms", 0],
  ["qtc_bazett", t("QTc (Bazett)"), "ms", 0],
  ["qtc_fridericia", t("QTc (Fridericia)"), "ms", 0],
  ["p_axis", t("P axis"), "°", 0],
  ["axis", t("QRS axis"), "°", 0],
  ["t_axis", t("T axis"), "°", 0],
];

/** @type {Record<string, string>} */
const EVIDENCE = {
  rate: t("rate {value}/min"),
  pr: t("PR {value} ms"),
  qrs_duration: t("QRS {value} ms"),
  qtc_fridericia: t("QTc (Fridericia) {value} ms"),
  axis: t("axis {value}°"),
  p_axis: t("P axis {value}°"),
  p_consistency: t("P alike in beats {value}"),
  p_likeness: t("P alike in beats {value}"),
  irregularity: t("RR irregularity {value}"),
  rr_range: t("RR range {value} s"),
  beats: t("{value} beats"),
  count: t("{value} in all"),
  occupied: t("away from the baseline {value}"),
  leakage: t("unlike a wave {value}"),
  regularity: t("waves alike {value}"),
  confidence: t("confidence {value}"),
  longest_seconds: t("longest {value} s"),
  fastest_rate: t("fastest {value}/min"),
};

/** @type {Record<string, string>} */
export const QUALITY = { good: t("good"), fair: t("fair"), poor: t("poor") };
/** @type {Record<string, string>} */
export const REASONS = { missing: t("gaps"), flat: t("flat"), clipped: t("cut off"), noise: t("noise"), baseline: t("baseline wander") };
/** @type {Record<string, string>} */
export const CLASSES = { N: t("normal"), S: t("supraventricular"), V: t("ventricular"), F: t("fusion"), Q: t("unknown beat") };
/** @type {Record<string, string>} */
export const EVENTS = {
  pause: t("Pause"),
  "couplet-V": t("Ventricular couplet"),
  "run-V": t("Ventricular run"),
  vt: t("Ventricular tachycardia"),
  "couplet-S": t("Supraventricular couplet"),
  "run-S": t("Supraventricular run"),
  svt: t("Supraventricular tachycardia"),
  bigeminy: t("Bigeminy"),
  trigeminy: t("Trigeminy"),
  fibrillation: t("Atrial fibrillation"),
  "ventricular-fibrillation": t("Suspected ventricular fibrillation"),
  "polymorphic-tachycardia": t("Suspected polymorphic tachycardia"),
  "ventricular-flutter": t("Suspected ventricular flutter"),
};
/** @type {Record<string, string>} */
const FILTER_NAMES = {
  none: t("as recorded"),
  diagnostic: t("diagnostic"),
  baseline: t("steady baseline"),
  muscle: t("muscle filter"),
  "diagnostic-50": t("diagnostic, 50 Hz notch"),
  "muscle-50": t("muscle filter, 50 Hz notch"),
};

/** @param {number} value */
const shortened = (value) => value.toFixed(Math.abs(value) < 10 && value % 1 ? 2 : 0);

/**
 * The numbers behind a statement in one line.
 * @param {Evidence} evidence
 */
export function evidenceText(evidence) {
  const numbers = Object.entries(evidence)
    .filter(([name, value]) => EVIDENCE[name] && value !== null)
    .map(([name, value]) => EVIDENCE[name].replace("{value}", shortened(Number(value))));
  return [...numbers, ...leadsOf(evidence).map(([lead, value]) => `${lead} ${value.toFixed(2)} mV`)].join(", ");
}

const BY_LEAD = /^(?:st|t)_(?=[IVa])/; // a level or a height of one lead: st_V3, t_aVF
const COMMA = t(", ");

/**
 * Leads whose ST or T speaks for a statement, with the number.
 * @param {Evidence} evidence
 * @returns {[lead: string, value: number][]}
 */
const leadsOf = (evidence) =>
  Object.keys(evidence)
    .filter((name) => BY_LEAD.test(name))
    .map((name) => [name.replace(BY_LEAD, ""), Number(evidence[name])]);

/**
 * A statement with the leads in which it is seen.
 * @param {string} text
 * @param {Evidence} evidence
 */
export function inLeads(text, evidence) {
  const leads = leadsOf(evidence);
  return leads.length ? t("{finding} in {leads}", { finding: text, leads: leads.map(([lead]) => lead).join(COMMA) }) : text;
}

/**
 * A filter as paper names it: its name, its band, and that it is not diagnostic where it is not.
 * @param {Omit<Filter, "stages"> | null | undefined} filter
 */
export function filterText(filter) {
  if (!filter) return "";
  const band =
    filter.high_pass !== null && filter.low_pass !== null
      ? `${filter.high_pass}–${filter.low_pass} Hz`
      : filter.high_pass !== null
        ? `> ${filter.high_pass} Hz`
        : filter.low_pass !== null
          ? `< ${filter.low_pass} Hz`
          : "";
  return [
    FILTER_NAMES[filter.name] ?? filter.name,
    band,
    filter.notch ? `${filter.notch} Hz` : "",
    filter.diagnostic ? "" : t("(not diagnostic)"),
  ]
    .filter(Boolean)
    .join(" ");
}

/** @param {Pick<Tracing, "started_at">} tracing */
export const beginOf = (tracing) => (tracing.started_at ? tracing.started_at.slice(0, 16).replace("T", " ") : t("without a time"));
