// What an object is that a study holds: a picture, or something that is read, played or fetched instead. By its SOP class (PS3.4
// annex B.5) and, for video, by its transfer syntax (PS3.5 annexes A.4.4 to A.4.7 and 8.2.5 to 8.2.8).

import { t, tn } from "../i18n.js";
import { number, text } from "./dataset.js";

/** @import { Dataset } from "./dataset.js" */
/** @import { ObjectGroup, Series } from "./study.js" */
/** @typedef {"picture" | "video" | "report" | "document" | "waveform" | "presentation" | "other"} ObjectKind */

const STORAGE = "1.2.840.10008.5.1.4.1.1.";

/** First class that fits wins: those below an arc, by the arc. @type {[string, ObjectKind][]} */
const CLASSES = [
  ["104.", "document"],
  ["88.", "report"],
  ["9.", "waveform"],
  ["11.", "presentation"],
];

/** Syntaxes that browsers play: MPEG-4 AVC/H.264, and HEVC/H.265 where the system has it. */
const PLAYED = /^1\.2\.840\.10008\.1\.2\.4\.(10[2-8])(\.1)?$/;
/** MPEG-2, which no browser plays. */
const UNPLAYED = /^1\.2\.840\.10008\.1\.2\.4\.10[01](\.1)?$/;

/** @param {Dataset} dataset */
const syntaxOf = (dataset) => text(dataset, "00083002");

/**
 * True where a browser may play the stream.
 * @param {Dataset} dataset
 */
export function isPlayable(dataset) {
  return PLAYED.test(syntaxOf(dataset));
}

/**
 * @param {Dataset} dataset
 * @returns {ObjectKind}
 */
export function kindOf(dataset) {
  const syntax = syntaxOf(dataset);
  if (PLAYED.test(syntax) || UNPLAYED.test(syntax)) return "video";
  const named = text(dataset, "00080016");
  const known = named.startsWith(STORAGE) && CLASSES.find(([arc]) => named.startsWith(STORAGE + arc));
  if (known) return known[1];
  return number(dataset, "00280010") && number(dataset, "00280011") ? "picture" : "other";
}

/** Icon and name of each kind. @type {Record<ObjectKind, {icon: string, name: () => string}>} */
export const KINDS = {
  picture: { icon: "photo", name: () => t("Picture") },
  video: { icon: "player-play", name: () => t("Video") },
  report: { icon: "clipboard-text", name: () => t("Structured report") },
  document: { icon: "file-text", name: () => t("Document") },
  waveform: { icon: "heartbeat", name: () => t("Waveform") },
  presentation: { icon: "eye", name: () => t("Presentation state") },
  other: { icon: "box-multiple", name: () => t("Object without a picture") },
};

/**
 * What stands below the name of a series: how many of what.
 * @param {Series | ObjectGroup} entry
 */
export function countWords(entry) {
  if ("slices" in entry) return tn("{n} image", "{n} images", entry.slices.length);
  const { name } = KINDS[entry.kind];
  return entry.objects.length > 1 ? `${name()} × ${entry.objects.length}` : name();
}
