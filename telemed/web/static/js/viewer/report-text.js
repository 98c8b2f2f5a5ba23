// A structured report as text: the content tree of PS3.3 C.17.3, with headings, values with units, and names as they were coded.
// Built of elements alone, so that whatever stands in the object stays text.

import { el } from "../element.js";
import { t } from "../i18n.js";
import { item, text, values } from "./dataset.js";

/** @import { Dataset } from "./dataset.js" */

export const MAX_DEPTH = 24; // levels of headings and values; real reports have fewer than 12
export const MAX_ITEMS = 3000; // of one report; a long obstetric one has some hundreds

const MEANING = "00080104";

/**
 * The meaning of the first code of a sequence, else its value.
 * @param {Dataset} dataset
 * @param {string} tag
 */
function coded(dataset, tag) {
  const code = item(dataset, tag);
  return text(code, MEANING) || text(code, "00080100");
}

/** @param {string} value DA of PS3.5 6.2 */
const day = (value) => value.replace(/^(\d{4})(\d{2})(\d{2})/, "$1-$2-$3");
/** @param {string} value TM of PS3.5 6.2 */
const time = (value) => value.replace(/^(\d{2})(\d{2})(\d{2})?.*$/, (_, h, m, s) => (s ? `${h}:${m}:${s}` : `${h}:${m}`));
/** @param {string} value DT of PS3.5 6.2 */
const moment = (value) => `${day(value.slice(0, 8))} ${time(value.slice(8).replace(/[+-]\d{4}$/, ""))}`.trim();

/**
 * A number with its unit; the unit 1 of UCUM is no word.
 * @param {Dataset} node
 */
function measured(node) {
  const value = item(node, "0040A300");
  if (!value) return coded(node, "0040A301") || t("no value");
  const unit = item(value, "004008EA");
  const name = text(unit, "00080100");
  return [text(value, "0040A30A"), name === "1" || /^\{.*\}$/.test(name) ? "" : name || text(unit, MEANING)].filter(Boolean).join(" ");
}

/** What an object that is referred to is called. @param {Dataset} node */
function reference(node) {
  const uid = text(item(node, "00081199"), "00081155");
  const frames = values(item(node, "00081199"), "00081160").join(", ");
  return [t("refers to {uid}", { uid }), frames && t("frames {numbers}", { numbers: frames })].filter(Boolean).join(", ");
}

/** @param {Dataset} node */
const shape = (node) => t("region ({kind})", { kind: text(node, "00700023") });

/** How a value is written, by its type (0040,A040). @type {Record<string, (node: Dataset) => string>} */
const WRITTEN = {
  TEXT: (node) => text(node, "0040A160"),
  CODE: (node) => coded(node, "0040A168"),
  NUM: measured,
  DATETIME: (node) => moment(text(node, "0040A120")),
  DATE: (node) => day(text(node, "0040A121")),
  TIME: (node) => time(text(node, "0040A122")),
  PNAME: (node) => text(node, "0040A123"),
  UIDREF: (node) => text(node, "0040A124"),
  IMAGE: reference,
  WAVEFORM: reference,
  COMPOSITE: reference,
  SCOORD: shape,
  SCOORD3D: shape,
  TCOORD: shape,
};

/** Draws a tree and counts what it draws. */
class Tree {
  constructor() {
    this.left = MAX_ITEMS;
    this.cut = false;
  }

  /**
   * The items below a node, values in a list and containers with a heading.
   * @param {Dataset} node
   * @param {number} depth
   * @returns {HTMLElement[]}
   */
  below(node, depth) {
    const children = values(node, "0040A730");
    if (!children.length) return [];
    if (depth > MAX_DEPTH) {
      this.cut = true;
      return [];
    }
    const drawn = [];
    for (const child of children) {
      if (this.left <= 0) {
        this.cut = true;
        break;
      }
      this.left -= 1;
      drawn.push(text(child, "0040A040") === "CONTAINER" ? this.section(child, depth) : this.value(child, depth));
    }
    return drawn;
  }

  /**
   * @param {Dataset} node
   * @param {number} depth
   */
  section(node, depth) {
    const name = coded(node, "0040A043");
    const level = String(Math.min(6, depth + 2));
    const heading = name ? el("div", { class: "sr-heading", role: "heading", "aria-level": level }, name) : null;
    return el("section", { class: "sr-section" }, heading, ...this.below(node, depth + 1));
  }

  /**
   * @param {Dataset} node
   * @param {number} depth
   */
  value(node, depth) {
    const name = coded(node, "0040A043");
    const written = WRITTEN[text(node, "0040A040")]?.(node) ?? text(node, "0040A040");
    const long = written.length > 80 || written.includes("\n");
    return el(
      "div",
      { class: `sr-value${long ? " sr-long" : ""}` },
      name ? el("span", { class: "sr-name" }, name) : null,
      name ? "  " : null,
      el("span", { class: "sr-words" }, written || "—"),
      ...this.below(node, depth + 1),
    );
  }
}

const COMPLETE = /** @type {Record<string, () => string>} */ ({
  PARTIAL: () => t("unfinished"),
  COMPLETE: () => t("completed"),
});
const VERIFIED = /** @type {Record<string, () => string>} */ ({
  UNVERIFIED: () => t("not verified"),
  VERIFIED: () => t("verified"),
});

/**
 * Who wrote it, when, and whether it was verified (PS3.3 C.17.2).
 * @param {Dataset} dataset
 */
export function reportState(dataset) {
  const verifier = values(dataset, "0040A073").map((each) => text(each, "0040A075"));
  const flags = [COMPLETE[text(dataset, "0040A491")]?.(), VERIFIED[text(dataset, "0040A493")]?.()];
  const written = `${day(text(dataset, "00080023"))} ${time(text(dataset, "00080033"))}`.trim();
  return [written, ...flags, ...verifier, text(dataset, "00080080")].filter(Boolean).join(" · ");
}

/**
 * @param {Dataset} dataset of the whole object
 * @returns {HTMLElement}
 */
export function reportText(dataset) {
  const tree = new Tree();
  const drawn = tree.below(dataset, 1);
  return el(
    "article",
    { class: "sr" },
    el("div", { class: "sr-title", role: "heading", "aria-level": "2" }, coded(dataset, "0040A043") || t("Structured report")),
    el("div", { class: "sr-state" }, reportState(dataset)),
    ...(drawn.length ? drawn : [el("p", {}, t("There is nothing in this report."))]),
    tree.cut
      ? el("p", { class: "sr-cut", role: "note" }, t("The report is longer than is shown here: fetch the file to see the rest."))
      : null,
  );
}
