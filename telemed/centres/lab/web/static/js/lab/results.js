// The results of a case on the reading page, a panel (panels.js): a table with what the same test said before.
//
//   <div class="lab" data-panel="lab" data-panel-module="..." data-expected="1"></div>

import { el, wordsOf } from "../element.js";
import { t } from "../i18n.js";

/**
 * @typedef {{id: string, name: string, value: number | null, text: string, as_sent: string, unit: string, range: string, flag: string,
 *   status: string, version: number, observed_at: string | null, reported_at: string, unmapped: boolean}} Result
 */

const ASK_AGAIN = 1500; // ms while a report that has arrived is being read
const PATIENCE = 20; // times
const WIDTH = 96;
const HEIGHT = 24;
const FLAGS = new Set(["L", "H", "LL", "HH", "A"]);

class Results {
  /**
   * @param {HTMLElement} element
   * @param {PanelContext} context
   */
  constructor(element, { caseId }) {
    this.element = element;
    this.caseId = caseId;
  }

  /** @param {number} tries */
  async open(tries = 0) {
    /** @type {{items: Result[], earlier: Record<string, Result[]>}} */
    let found;
    try {
      const answer = await fetch(`/api/v1/cases/${this.caseId}/lab-results`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      found = await answer.json();
    } catch (error) {
      this.say(wordsOf(error));
      return;
    }
    if (found.items.length) {
      this.show(found.items, found.earlier);
      return;
    }
    this.say(tries < PATIENCE ? t("The results are being read…") : t("No results could be read of this report: open the file itself."));
    if (tries < PATIENCE) setTimeout(() => this.open(tries + 1), ASK_AGAIN);
  }

  grow() {
    this.open(PATIENCE - 3);
  }

  /** @param {string} words */
  say(words) {
    this.element.replaceChildren(el("p", { class: "lab-notice", role: "status" }, words));
  }

  /**
   * @param {Result[]} items
   * @param {Record<string, Result[]>} earlier
   */
  show(items, earlier) {
    const heads = [t("Test item"), t("Result"), t("Unit"), t("Reference range"), t("Before"), t("Course")];
    const head = el("thead", {}, el("tr", {}, ...heads.map((words) => el("th", { scope: "col" }, words))));
    const rows = items.map((item) => row(item, earlier[item.id] ?? []));
    const table = el("table", { class: "lab-results" }, head, el("tbody", {}, ...rows));
    this.element.replaceChildren(el("div", { class: "lab-scroll", tabindex: "0", role: "region", "aria-label": t("Results") }, table));
    this.element.dispatchEvent(new CustomEvent("lab:ready", { bubbles: true }));
  }
}

/**
 * @param {Result} item
 * @param {Result[]} before
 */
function row(item, before) {
  const last = before.at(-1);
  const flag = FLAGS.has(item.flag) ? el("span", { class: "lab-flag", "data-flag": item.flag }, item.flag) : "";
  const marks = [];
  if (item.status === "preliminary") marks.push(el("span", { class: "lab-mark" }, t("preliminary")));
  if (item.status === "corrected") marks.push(el("span", { class: "lab-mark" }, t("corrected")));
  if (item.unmapped) marks.push(el("span", { class: "lab-mark" }, t("code not mapped")));
  return el(
    "tr",
    { "data-flag": item.flag },
    el("th", { scope: "row" }, item.name, ...marks),
    el("td", { class: "lab-value" }, item.text || item.as_sent, " ", flag),
    el("td", {}, item.unit),
    el("td", {}, item.range),
    el("td", {}, last ? `${last.text || last.as_sent} · ${day(last)}` : ""),
    el("td", {}, course([...before, item])),
  );
}

/** @param {Result} result */
function day(result) {
  return (result.observed_at ?? result.reported_at).slice(0, 10);
}

/**
 * A small line of the numbers that are in the newest one's unit; nothing with fewer than two.
 * @param {Result[]} all
 */
function course(all) {
  const unit = all.at(-1)?.unit;
  const values = all.flatMap((each) => (each.value !== null && each.unit === unit ? [each.value] : []));
  if (values.length < 2) return "";
  const least = Math.min(...values);
  const span = Math.max(...values) - least || 1;
  const point = (/** @type {number} */ value, /** @type {number} */ index) =>
    `${((index / (values.length - 1)) * (WIDTH - 4) + 2).toFixed(1)},${(HEIGHT - 3 - ((value - least) / span) * (HEIGHT - 6)).toFixed(1)}`;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("class", "lab-course");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", values.join(", "));
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", values.map(point).join(" "));
  svg.append(line);
  return svg;
}

/**
 * @param {HTMLElement} element
 * @param {PanelContext} context
 */
export function open(element, context) {
  const results = new Results(element, context);
  results.open();
  return { grow: () => results.grow() };
}
