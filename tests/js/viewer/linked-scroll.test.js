import assert from "node:assert/strict";
import { test } from "node:test";

import { LinkedScroll, linkBetween, linkedIndex } from "/static/js/viewer/linked-scroll.js";

/** A pane with slices every so many mm, at one of them. */
function pane(index, { step = 5, count = 20, normal = [0, 0, 1], frame = "F", begin = 0 } = {}) {
  const slices = Array.from({ length: count }, (_, n) => ({ position: begin + n * step }));
  return {
    index,
    series: { normal, frameOfReference: frame, slices },
    get slice() {
      return slices[this.index] ?? null;
    },
    goTo(wanted) {
      this.index = Math.max(0, Math.min(count - 1, wanted));
    },
  };
}

test("in one frame of reference the place in the patient counts", () => {
  const [a, b] = [pane(4), pane(0, { step: 2 })];
  assert.equal(linkedIndex(a, b, linkBetween(a, b)), 10);
});

test("between frames of reference the distance at the moment of linking stays", () => {
  const [a, b] = [pane(4), pane(6, { frame: "G" })];
  const link = linkBetween(a, b);
  a.index = 8;
  assert.equal(linkedIndex(a, b, link), 10);
});

test("a series that runs the other way is followed backwards", () => {
  const [a, b] = [pane(4), pane(0, { normal: [0, 0, -1], begin: -95, frame: "F" })];
  const link = linkBetween(a, b);
  assert.equal(b.series.slices[linkedIndex(a, b, link)].position, -20);
});

test("where places mean nothing to each other slices are counted", () => {
  const [a, b] = [pane(4), pane(6, { normal: [1, 0, 0] })];
  assert.equal(linkedIndex({ ...a, index: 5 }, b, linkBetween(a, b)), 7);
});

test("panes follow while linking is on, and nobody follows a follower", () => {
  const [a, b, c] = [pane(1), pane(1), pane(1)];
  const link = new LinkedScroll();
  for (const each of [a, b, c]) {
    const { goTo } = each;
    each.goTo = (wanted) => {
      goTo.call(each, wanted);
      link.follow(each);
    };
  }
  link.set(true, [a, b, c]);
  a.goTo(5);
  assert.deepEqual([b.index, c.index], [5, 5]);
  link.set(false, [a, b, c]);
  a.goTo(7);
  assert.deepEqual([b.index, c.index], [5, 5]);
});
