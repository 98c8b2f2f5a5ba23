// Playing a stack as a film, at the rate that the images ask for.

import { number } from "./dataset.js";

const USUAL = 15; // frames per second where the images say nothing; practice
const FASTEST = 60;

/** Frames per second: Recommended Display Frame Rate, Cine Rate, or Frame Time in ms (PS3.3 C.7.6.5). */
export function rateOf(slice) {
  const { dataset } = slice.instance;
  const time = number(dataset, "00181063");
  const rate = number(dataset, "00082144") ?? number(dataset, "00180040") ?? (time > 0 ? 1000 / time : null);
  return rate > 0 ? Math.min(rate, FASTEST) : USUAL;
}

export class Cine {
  constructor(pane) {
    this.pane = pane;
    this.timer = null;
  }

  get playing() {
    return this.timer !== null;
  }

  toggle() {
    if (this.playing) this.stop();
    else if (this.pane.series?.slices.length > 1) this.play();
  }

  play() {
    const { pane } = this;
    this.timer = setInterval(() => {
      // A frame that is not here yet is waited for, not jumped over.
      if (!pane.slice || pane.element.dataset.state === "loading") return;
      pane.goTo((pane.index + 1) % pane.series.slices.length);
    }, 1000 / rateOf(pane.slice));
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
  }
}
