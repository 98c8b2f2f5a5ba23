// What stands in the corners and at the edges of a pane: whose image, which one, how it is shown, and which side is which.

import { el } from "../element.js";
import { t } from "../i18n.js";
import { text } from "./dataset.js";
import { edgeLetters } from "./geometry.js";
import { patientOrientation, projectionLetters, viewModifiers, viewWords } from "./projection.js";

/** @import { Dataset } from "./dataset.js" */
/** @import { Pane } from "./pane.js" */
/** @import { Series, Slice } from "./study.js" */
/** @typedef {Pane & {series: Series, slice: Slice}} ShownPane a pane that shows something */

/**
 * @param {Pane} pane
 * @returns {pane is ShownPane}
 */
function shows(pane) {
  return pane.slice !== null;
}

const CORNERS = ["top-left", "top-right", "bottom-left", "bottom-right"];
const EDGES = ["top", "right", "bottom", "left"];

/** @param {number[]} spacing */
const spacingText = (spacing) => spacing.map((part) => part.toFixed(part < 0.1 ? 3 : 2)).join(" × ");

export class CornerTexts {
  constructor() {
    this.corners = Object.fromEntries(CORNERS.map((name) => [name, el("div", { class: `corner corner-${name}` })]));
    this.edges = Object.fromEntries(EDGES.map((name) => [name, el("div", { class: `edge edge-${name}` })]));
    this.element = el("div", { class: "corners", "aria-hidden": "true" }, ...Object.values(this.corners), ...Object.values(this.edges));
  }

  /** @param {Pane} pane */
  show(pane) {
    /** @type {Record<string, string[]>} */
    const texts = shows(pane)
      ? { "top-left": whose(pane), "top-right": whatSeries(pane), "bottom-left": whichSlice(pane), "bottom-right": howShown(pane) }
      : {};
    for (const name of CORNERS) setLines(this.corners[name], texts[name] ?? []);
    /** @type {Record<string, string>} */
    const letters = (pane.slice && sides(pane.slice, pane)) || {};
    for (const name of EDGES) setLines(this.edges[name], letters[name] ? [letters[name]] : []);
  }
}

/**
 * @param {HTMLElement} place
 * @param {string[]} lines
 */
function setLines(place, lines) {
  const text = lines.filter(Boolean).join("\n");
  if (place.textContent !== text) place.textContent = text;
}

/**
 * The letters at the edges: by Image Orientation where the image lies in the patient, else by what a projection states.
 * @param {Slice} slice
 * @param {{rotation: number, flipped: boolean}} view
 */
export function sides({ instance, frame, orientation }, { rotation, flipped }) {
  if (orientation) return edgeLetters(orientation, rotation, flipped);
  return projectionLetters(patientOrientation(instance.dataset, frame), rotation, flipped);
}

const SEXES = /** @type {Record<string, () => string>} */ ({ M: () => t("M"), F: () => t("F") });

/**
 * The patient as the image itself has them, never as the case does: an image of somebody else must look like one.
 * @param {Dataset} dataset
 */
export function statedPatient(dataset) {
  const born = text(dataset, "00100030").replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");
  const sex = text(dataset, "00100040");
  const who = [text(dataset, "00100010"), SEXES[sex]?.() ?? sex, born].filter(Boolean).join(" ");
  return [who || t("no patient in the image"), text(dataset, "00100020")];
}

/** @param {Pick<ShownPane, "viewer" | "series" | "slice">} pane */
export function whose({ viewer, series, slice }) {
  const { study } = series;
  const prior = study !== viewer.study ? t("Prior") : "";
  return [...statedPatient(slice.instance.dataset), [prior, study.date].filter(Boolean).join(" "), study.accession, study.description];
}

/** @param {ShownPane} pane */
function whatSeries({ series, slice }) {
  const { dataset } = slice.instance;
  const number = series.number === null ? "" : `#${series.number}`;
  return [viewWords(dataset), viewModifiers(dataset), [series.modality, number].filter(Boolean).join(" "), series.description];
}

/** How large a pixel of the image is on the screen. @param {Pick<Pane, "zoom" | "magnification">} pane */
export function zoomWords({ zoom, magnification }) {
  const percent = magnification * 100;
  const rounded = `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
  return Math.abs(zoom - 1) < 1e-6 ? `${t("fit")} ${rounded}` : Math.abs(magnification - 1) < 1e-6 ? "1:1 100 %" : rounded;
}

/** @param {ShownPane} pane */
function whichSlice({ series, index, slice }) {
  const lines = [`${index + 1}/${series.slices.length}`];
  if (slice.position !== null && series.slices.length > 1) lines.unshift(`${t("Position")} ${slice.position.toFixed(1)} mm`);
  if (slice.thickness) lines.unshift(`${t("Thickness")} ${slice.thickness.toFixed(1)} mm`);
  return lines;
}

/** @param {ShownPane} pane */
function howShown(pane) {
  const { slice } = pane;
  /** @type {string[]} */
  const lines = [];
  if (slice.instance.isGrey) {
    const { center, width } = pane.currentWindow();
    const preset = pane.preset ? `${pane.preset}  ` : "";
    lines.push(`${preset}W ${Math.round(width)}  L ${Math.round(center)}${pane.inverted ? `  ${t("inverted")}` : ""}`);
  }
  if (slice.spacing) lines.push(`${spacingText(slice.spacing)} mm${slice.atDetector ? ` ${t("(detector)")}` : ""}`);
  else lines.push(t("not calibrated"));
  lines.push(`${slice.instance.columns} × ${slice.instance.rows}  ${zoomWords(pane)}`);
  if (!slice.instance.isRaw) lines.push(t("drawn by the server"));
  return lines;
}
