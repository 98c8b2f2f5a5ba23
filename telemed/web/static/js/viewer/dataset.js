// Reading the DICOM JSON model (PS3.18 annex F): {"00280010": {"vr": "US", "Value": [512]}}.

import { shown } from "../shown.js";

/** @typedef {Record<string, {vr?: string, Value?: any[]}> | null | undefined} Dataset */

/**
 * The values of an attribute, or an empty list.
 * @param {Dataset} dataset
 * @param {string} tag
 * @returns {any[]}
 */
export function values(dataset, tag) {
  return dataset?.[tag]?.Value ?? [];
}

/**
 * The first value as a number, or null. DS and IS may arrive as text.
 * @param {Dataset} dataset
 * @param {string} tag
 */
export function number(dataset, tag) {
  const value = values(dataset, tag)[0];
  const parsed = value === undefined || value === null || value === "" ? NaN : Number(value);
  return Number.isFinite(parsed) ? parsed : null;
}

/**
 * All values as numbers, or null where there are fewer than `least` of them.
 * @param {Dataset} dataset
 * @param {string} tag
 * @param {number} least
 */
export function numbers(dataset, tag, least = 1) {
  const list = values(dataset, tag).map(Number);
  return list.length >= least && list.every(Number.isFinite) ? list : null;
}

/**
 * The first value as text; a person's name gives its ideographic form where there is one, and what cannot be seen its number.
 * @param {Dataset} dataset
 * @param {string} tag
 */
export function text(dataset, tag) {
  const value = values(dataset, tag)[0];
  if (value === undefined || value === null) return "";
  if (typeof value === "object")
    return shown(String(value.Ideographic ?? value.Alphabetic ?? ""))
      .replaceAll("^", " ")
      .trim();
  return shown(String(value)).trim();
}

/**
 * The first item of a sequence, or undefined.
 * @param {Dataset} dataset
 * @param {string} tag
 * @returns {any}
 */
export function item(dataset, tag) {
  return values(dataset, tag)[0];
}

/**
 * An attribute of one frame: per-frame functional group, then shared group, then the object itself (PS3.3 C.7.6.16).
 * @param {Dataset} dataset
 * @param {number} frame
 * @param {string} group
 * @param {string} tag
 * @returns {Dataset}
 */
export function ofFrame(dataset, frame, group, tag) {
  const own = item(values(dataset, "52009230")[frame - 1], group);
  const shared = item(item(dataset, "52009229"), group);
  return [own, shared, dataset].find((place) => values(place, tag).length);
}
