// What a projection or a mammogram says of its sides: the letters of Patient Orientation (PS3.3 C.7.6.1.1.1), and laterality and view.
// Nothing is made up: an image that states nothing has no letter.

import { item, ofFrame, text, values } from "./dataset.js";

/** @import { Dataset } from "./dataset.js" */
/** @typedef {{top: string, right: string, bottom: string, left: string}} EdgeLetters */

/** The other side of each letter, of bipeds (PS3.3 C.7.6.1.1.1). @type {Record<string, string>} */
const OPPOSITE = { A: "P", P: "A", L: "R", R: "L", H: "F", F: "H" };

/**
 * The side opposite to a direction such as "LF"; empty where a letter is not one of the six.
 * @param {string} direction
 */
function opposite(direction) {
  const letters = [...direction].map((letter) => OPPOSITE[letter] ?? "");
  return letters.every(Boolean) ? letters.join("") : "";
}

/**
 * Patient Orientation of a frame: the direction of its rows and that of its columns, or null where it is not stated.
 * @param {Dataset} dataset
 * @param {number} frame
 * @returns {[string, string] | null}
 */
export function patientOrientation(dataset, frame) {
  const stated = values(ofFrame(dataset, frame, "00209450", "00200020"), "00200020").map((value) => String(value ?? "").trim());
  return stated.length === 2 && stated.some(Boolean) ? [stated[0], stated[1]] : null;
}

/**
 * Letters at the edges of the screen for a picture that is turned by `rotation` degrees (quarters) and maybe flipped.
 * @param {[string, string] | null} stated
 * @param {number} rotation
 * @param {boolean} flipped
 * @returns {EdgeLetters | null}
 */
export function projectionLetters(stated, rotation, flipped) {
  if (!stated) return null;
  const [row, column] = stated;
  const [right, left] = flipped ? [opposite(row), row] : [row, opposite(row)];
  const around = [opposite(column), right, column, left]; // from the top, clockwise
  const turn = (((rotation / 90) % 4) + 4) % 4;
  const [top, east, bottom, west] = around.map((_, index) => around[(index - turn + 4) % 4]);
  return { top, right: east, bottom, left: west };
}

/** Short names of the views of PS3.16 CID 4014, by SNOMED CT and by the codes that DICOM used before. @type {Record<string, string>} */
const VIEWS = {
  399162004: "CC",
  "R-10242": "CC",
  399368009: "MLO",
  "R-10226": "MLO",
  399260004: "ML",
  "R-10224": "ML",
  399352003: "LM",
  "R-10228": "LM",
  399099002: "LMO",
  "R-10230": "LMO",
  399196006: "FB",
  "R-10244": "FB",
  399188001: "SIO",
  "R-102D0": "SIO",
  441555000: "ISO",
  "R-40AAA": "ISO",
  399192008: "XCCL",
  "R-1024A": "XCCL",
  399101009: "XCCM",
  "R-1024B": "XCCM",
};

/** Laterality of the frame, the image or the series: L, R or B; what is unpaired has no side. @param {Dataset} dataset */
function laterality(dataset) {
  const frame = text(ofFrame(dataset, 1, "00209071", "00209072"), "00209072");
  const stated = text(dataset, "00200062") || frame || text(dataset, "00200060");
  return ["L", "R", "B"].includes(stated) ? stated : "";
}

/**
 * Side and view of an image, such as "L CC"; empty where it states neither.
 * @param {Dataset} dataset
 */
export function viewWords(dataset) {
  const code = item(dataset, "00540220");
  const view = text(dataset, "00185101") || VIEWS[text(code, "00080100")] || text(code, "00080104");
  return [laterality(dataset), view].filter(Boolean).join(" ");
}

/**
 * How the view was modified, such as "Magnification": the meanings of View Modifier Code Sequence.
 * @param {Dataset} dataset
 */
export function viewModifiers(dataset) {
  return values(item(dataset, "00540220"), "00540222")
    .map((code) => text(code, "00080104"))
    .filter(Boolean)
    .join(", ");
}

/**
 * Side and view of all images of a series, each once.
 * @param {import("./study.js").Slice[]} slices
 */
export function viewsOf(slices) {
  return [...new Set(slices.map((slice) => viewWords(slice.instance.dataset)))].filter(Boolean).join(", ");
}
