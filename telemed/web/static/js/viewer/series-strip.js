// The series of a study as a strip of thumbnails, to press or to drag into a pane.

import { el, icon, need } from "../element.js";
import { t } from "../i18n.js";
import { countWords, KINDS } from "./object-kinds.js";
import { viewsOf } from "./projection.js";
import { entriesOf } from "./study.js";

/** @import { Pane } from "./pane.js" */
/** @import { ObjectGroup, Series, Study } from "./study.js" */
/** @import { Viewer } from "./viewer.js" */
/** @typedef {Series | ObjectGroup} Entry */

const KIND = "application/x-telemed-series";

export class SeriesStrip {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.element = el("div", { class: "strip", role: "listbox", "aria-label": t("Series") });
    /** @type {Map<Entry, HTMLElement>} */
    this.cards = new Map();
  }

  /**
   * Add the series of a study; `title` stands above them (a prior's date).
   * @param {Study} study
   * @param {string} title
   */
  add(study, title = "") {
    if (title) this.element.append(el("div", { class: "strip-title" }, title));
    for (const entry of entriesOf(study)) {
      const card = this.card(entry);
      this.cards.set(entry, card);
      this.element.append(card);
    }
  }

  /**
   * Entries came or grew: new cards stand with those of their study, counts are right again.
   * @param {Study} study
   * @param {Entry[]} added
   */
  grow(study, added) {
    const last = [...this.cards].filter(([entry]) => entry.study === study).at(-1)?.[1];
    let place = last ?? null;
    for (const entry of added) {
      const card = this.card(entry);
      this.cards.set(entry, card);
      if (place) place.after(card);
      else this.element.append(card);
      place = card;
    }
    for (const [entry, card] of this.cards)
      if (entry.study === study && !card.dataset.unshown) need(card, ".strip-count").textContent = countWords(entry);
  }

  /** @param {Entry} entry */
  card(entry) {
    const middle = "slices" in entry ? entry.slices[Math.floor((entry.slices.length - 1) / 2)] : null;
    const number = entry.number === null ? "" : `#${entry.number}`;
    const side = "slices" in entry ? viewsOf(entry.slices) : "";
    const name = [side, entry.modality, number, entry.description].filter(Boolean).join(" ");
    const card = el(
      "button",
      { type: "button", class: "strip-card", role: "option", "aria-selected": "false", draggable: "true", title: name },
      middle ? thumbnail(`${middle.instance.url}/frames/${middle.frame}/rendered?viewport=96,96`) : sign(entry),
      el("span", { class: "strip-name" }, name),
      el("span", { class: "strip-count" }, countWords(entry)),
    );
    card.querySelector("img")?.addEventListener("error", (event) => sayUnshown(card, /** @type {HTMLImageElement} */ (event.target)));
    card.addEventListener("click", () => {
      this.viewer.showEntry(entry);
      this.viewer.active.objects?.body.focus({ preventScroll: true }); // the keys that scroll and play are the object's now
    });
    card.addEventListener("dragstart", (event) => event.dataTransfer?.setData(KIND, `${entry.study.uid}/${entry.uid}`));
    return card;
  }

  /**
   * Mark the entries that are on the screen.
   * @param {Set<Entry>} shown
   */
  mark(shown) {
    for (const [entry, card] of this.cards) card.setAttribute("aria-selected", String(shown.has(entry)));
  }

  /**
   * Let a pane take series that are dropped on it.
   * @param {Pane} pane
   */
  acceptOn(pane) {
    pane.element.addEventListener("dragover", (event) => {
      if (event.dataTransfer?.types.includes(KIND)) event.preventDefault();
    });
    pane.element.addEventListener("drop", (event) => {
      const wanted = event.dataTransfer?.getData(KIND);
      const entry = [...this.cards.keys()].find((each) => `${each.study.uid}/${each.uid}` === wanted);
      if (!entry) return;
      event.preventDefault();
      this.viewer.showEntry(entry, pane);
    });
  }
}

/** @param {string} src */
function thumbnail(src) {
  return el("img", { src, alt: "", width: "72", height: "72", loading: "lazy", draggable: "false" });
}

/**
 * The sign of what has no picture.
 * @param {Entry} entry
 */
function sign(entry) {
  return el("span", { class: "strip-sign" }, icon(KINDS["kind" in entry ? entry.kind : "picture"].icon));
}

/**
 * A picture that does not come: what cannot be drawn says so; a line that is down for a moment is another matter.
 * @param {HTMLElement} card
 * @param {HTMLImageElement} image
 */
async function sayUnshown(card, image) {
  const status = await fetch(image.src, { credentials: "same-origin" }).then(
    (answer) => answer.status,
    () => 0,
  );
  image.replaceWith(el("span", { class: "strip-sign" }, icon("alert-triangle")));
  card.dataset.unshown = "1";
  need(card, ".strip-count").textContent = [400, 404, 406, 415].includes(status) ? t("cannot be shown") : t("no preview now");
}
