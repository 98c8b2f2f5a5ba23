// Playing a stack as a film, at the rate that the images ask for.

import { number } from "./dataset.js";

const USUAL = 15; // frames per second where the images say nothing; practice
const FASTEST = 60;

/**
 * Frames per second: Recommended Display Frame Rate, Cine Rate, or Frame Time in ms (PS3.3 C.7.6.5).
 * @param {import("./study.js").Slice} slice
 */
export function rateOf(slice) {
  const { dataset } = slice.instance;
  const time = number(dataset, "00181063");
  const rate = number(dataset, "00082144") ?? number(dataset, "00180040") ?? (time !== null && time > 0 ? 1000 / time : 0);
  return rate > 0 ? Math.min(rate, FASTEST) : USUAL;
}

export class Cine {
  /** @param {import("./pane.js").Pane} pane */
  constructor(pane) {
    this.pane = pane;
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  get playing() {
    return this.timer !== undefined;
  }

  toggle() {
    if (this.playing) this.stop();
    else if (this.pane.series && this.pane.series.slices.length > 1) this.play();
  }

  play() {
    const { pane } = this;
    if (!pane.slice) return;
    this.timer = setInterval(() => {
      // A frame that is not here yet is waited for, not jumped over.
      if (!pane.series || !pane.slice || pane.element.dataset.state === "loading") return;
      pane.goTo((pane.index + 1) % pane.series.slices.length);
    }, 1000 / rateOf(pane.slice));
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
