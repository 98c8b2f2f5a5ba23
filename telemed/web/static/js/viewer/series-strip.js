// The series of a study as a strip of thumbnails, to press or to drag into a pane.

import { el, need } from "../element.js";
import { t, tn } from "../i18n.js";

/** @import { Pane } from "./pane.js" */
/** @import { Series, Study } from "./study.js" */
/** @import { Viewer } from "./viewer.js" */

const KIND = "application/x-telemed-series";

export class SeriesStrip {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.element = el("div", { class: "strip", role: "listbox", "aria-label": t("Series") });
    /** @type {Map<Series, HTMLElement>} */
    this.cards = new Map();
  }

  /**
   * Add the series of a study; `title` stands above them (a prior's date).
   * @param {Study} study
   * @param {string} title
   */
  add(study, title = "") {
    if (title) this.element.append(el("div", { class: "strip-title" }, title));
    for (const series of study.series) {
      const card = this.card(series);
      this.cards.set(series, card);
      this.element.append(card);
    }
  }

  /**
   * Series came or grew: new cards stand with those of their study, counts are right again.
   * @param {Study} study
   * @param {Series[]} added
   */
  grow(study, added) {
    const last = [...this.cards].filter(([series]) => series.study === study).at(-1)?.[1];
    let place = last ?? null;
    for (const series of added) {
      const card = this.card(series);
      this.cards.set(series, card);
      if (place) place.after(card);
      else this.element.append(card);
      place = card;
    }
    for (const [series, card] of this.cards)
      if (series.study === study) need(card, ".strip-count").textContent = tn("{n} image", "{n} images", series.slices.length);
  }

  /** @param {Series} series */
  card(series) {
    const middle = series.slices[Math.floor((series.slices.length - 1) / 2)];
    const name = [series.modality, series.number === null ? "" : `#${series.number}`, series.description].filter(Boolean).join(" ");
    const card = el(
      "button",
      { type: "button", class: "strip-card", role: "option", "aria-selected": "false", draggable: "true", title: name },
      el("img", {
        src: `${middle.instance.url}/frames/${middle.frame}/rendered?viewport=96,96`,
        alt: "",
        width: "72",
        height: "72",
        loading: "lazy",
        draggable: "false",
      }),
      el("span", { class: "strip-name" }, name),
      el("span", { class: "strip-count" }, tn("{n} image", "{n} images", series.slices.length)),
    );
    card.addEventListener("click", () => this.viewer.showSeries(series));
    card.addEventListener("dragstart", (event) => event.dataTransfer?.setData(KIND, `${series.study.uid}/${series.uid}`));
    return card;
  }

  /**
   * Mark the series that are on the screen.
   * @param {Set<Series>} shown
   */
  mark(shown) {
    for (const [series, card] of this.cards) card.setAttribute("aria-selected", String(shown.has(series)));
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
      const series = [...this.cards.keys()].find((each) => `${each.study.uid}/${each.uid}` === wanted);
      if (!series) return;
      event.preventDefault();
      this.viewer.showSeries(series, pane);
    });
  }
}
