// A part of a page that draws itself again when something happened, or every so many seconds.
//
//   <section data-live-part="/network/attention" data-live-every="30">
//
// It waits while somebody works in it: an open menu or a field with the focus would lose what was typed.

import { fetchInBackground } from "./background.js";

const GATHER = 1500; // ms in which events are taken together

class LivePart {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    /** @type {number | null} */
    this.timer = null;
    this.wanted = false;
    for (const name of ["telemed:case", "telemed:step"]) document.addEventListener(name, () => this.soon());
    const every = Number(place.dataset.liveEvery);
    if (every) setInterval(() => this.soon(), every * 1000);
    place.addEventListener("focusout", () => this.wanted && this.soon());
  }

  soon() {
    this.wanted = true;
    this.timer ??= setTimeout(() => this.draw(), GATHER);
  }

  get busy() {
    const focused = document.activeElement;
    const typing = focused !== null && this.place.contains(focused) && focused.matches("input, select, textarea");
    return typing || this.place.querySelector("details[open]") !== null;
  }

  async draw() {
    this.timer = null;
    if (document.hidden || this.busy) return;
    this.wanted = false;
    try {
      const response = await fetchInBackground(this.place.dataset.livePart ?? "", "text/html");
      if (!response.ok || response.redirected || this.busy) return;
      const markup = await response.text();
      const scrolled = this.place.querySelector("[tabindex][role=region]")?.scrollLeft ?? 0;
      this.place.innerHTML = markup; // our own server's, escaped there
      const region = this.place.querySelector("[tabindex][role=region]");
      if (region) region.scrollLeft = scrolled;
    } catch {
      this.wanted = true; // the next event, or the next round, tries again
    }
  }
}

export function start() {
  for (const place of document.querySelectorAll("[data-live-part]")) new LivePart(place);
  document.addEventListener("visibilitychange", () => document.hidden || document.dispatchEvent(new CustomEvent("telemed:step")));
}
