// Panes that scroll together: by place in the patient where both have one, else by number of slices.

import { sameWay } from "./geometry.js";

/** @import { Pane } from "./pane.js" */
/** @import { Slice } from "./study.js" */
/** @typedef {{slices: number, mm?: undefined} | {mm: number, sign: number}} Link */

/**
 * How far a pane is from another, kept from the moment of linking: {mm, sign} or {slices}.
 * @param {Pane} a
 * @param {Pane} b
 * @returns {Link}
 */
export function linkBetween(a, b) {
  const [from, to] = [a.slice?.position ?? null, b.slice?.position ?? null];
  const sign = sameWay(a.series?.normal ?? null, b.series?.normal ?? null);
  if (sign === 0 || from === null || to === null) return { slices: b.index - a.index };
  const sameFrame = Boolean(a.series?.frameOfReference) && a.series?.frameOfReference === b.series?.frameOfReference;
  return { sign, mm: sameFrame ? 0 : to - sign * from };
}

/**
 * The slice of pane b that belongs to the slice of pane a.
 * @param {Pane} a
 * @param {Pane} b
 * @param {Link} link
 */
export function linkedIndex(a, b, link) {
  if (link.mm === undefined) return a.index + link.slices;
  const wanted = link.sign * (a.slice?.position ?? 0) + link.mm;
  const away = (b.series?.slices ?? []).map((/** @type {Slice} */ slice) => Math.abs((slice.position ?? Infinity) - wanted));
  return away.indexOf(Math.min(...away));
}

/** The links of the panes of a viewer while linking is on. */
export class LinkedScroll {
  constructor() {
    this.on = false;
    /** @type {Map<Pane, Map<Pane, Link>>} */
    this.links = new Map();
    this.moving = false;
  }

  /**
   * @param {boolean} on
   * @param {Pane[]} panes
   */
  set(on, panes) {
    this.on = on;
    this.links.clear();
    const shown = panes.filter((pane) => pane.slice);
    if (on) for (const a of shown) this.links.set(a, new Map(shown.filter((b) => b !== a).map((b) => [b, linkBetween(a, b)])));
  }

  /**
   * Let the others follow a pane that moved.
   * @param {Pane} moved
   */
  follow(moved) {
    if (!this.on || this.moving || !moved.slice) return;
    this.moving = true;
    for (const [pane, link] of this.links.get(moved) ?? []) if (pane.slice) pane.goTo(linkedIndex(moved, pane, link));
    this.moving = false;
  }
}
