// Panes that scroll together: by place in the patient where both have one, else by number of slices.

import { sameWay } from "./geometry.js";

/** How far a pane is from another, kept from the moment of linking: {mm, sign} or {slices}. */
export function linkBetween(a, b) {
  const sign = sameWay(a.series.normal, b.series.normal);
  const placed = sign !== 0 && a.slice.position !== null && b.slice.position !== null;
  if (!placed) return { slices: b.index - a.index };
  const sameFrame = a.series.frameOfReference !== "" && a.series.frameOfReference === b.series.frameOfReference;
  return { sign, mm: sameFrame ? 0 : b.slice.position - sign * a.slice.position };
}

/** The slice of pane b that belongs to the slice of pane a. */
export function linkedIndex(a, b, link) {
  if (link.mm === undefined) return a.index + link.slices;
  const wanted = link.sign * a.slice.position + link.mm;
  let best = 0;
  b.series.slices.forEach((slice, index) => {
    if (Math.abs(slice.position - wanted) < Math.abs(b.series.slices[best].position - wanted)) best = index;
  });
  return best;
}

/** The links of the panes of a viewer while linking is on. */
export class LinkedScroll {
  constructor() {
    this.on = false;
    this.links = new Map(); // pane -> Map(pane -> link)
    this.moving = false;
  }

  set(on, panes) {
    this.on = on;
    this.links.clear();
    const shown = panes.filter((pane) => pane.slice);
    if (on) for (const a of shown) this.links.set(a, new Map(shown.filter((b) => b !== a).map((b) => [b, linkBetween(a, b)])));
  }

  /** Let the others follow a pane that moved. */
  follow(moved) {
    if (!this.on || this.moving || !moved.slice) return;
    this.moving = true;
    for (const [pane, link] of this.links.get(moved) ?? []) if (pane.slice) pane.goTo(linkedIndex(moved, pane, link));
    this.moving = false;
  }
}
