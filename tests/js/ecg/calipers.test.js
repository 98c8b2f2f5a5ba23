import assert from "node:assert/strict";
import { test } from "node:test";

import { Calipers } from "/static/js/ecg/calipers.js";

/** Paper of 200 x 100 mm under a hand whose place is given in mm. */
function paper() {
  const overlay = Object.assign(new EventTarget(), { setPointerCapture: () => {}, style: {} });
  const view = {
    overlay,
    painters: [],
    sheet: {},
    setting: { speed: 25, gain: 10 },
    scroll: { x: 0, y: 0 },
    size: { width: 800, height: 400, ratio: 1 },
    scale: 4,
    under: ({ x, y }) => ({ x, y }),
    drawOverlay: () => {},
  };
  const calipers = new Calipers(view);
  const hand = (kind, x, y) => overlay.dispatchEvent(Object.assign(new Event(kind), { button: 0, pointerId: 1, x, y }));
  const drag = (...points) => {
    hand("pointerdown", ...points[0]);
    for (const point of points) hand("pointermove", ...point);
    hand("pointerup", 0, 0);
  };
  return { calipers, drag, view };
}

test("a drag spans time and voltage", () => {
  const { calipers, drag } = paper();
  drag([10, 50], [30, 40]);
  assert.deepEqual(calipers.value, { milliseconds: 800, rate: 75, millivolts: 1 });
  assert.equal(calipers.text, "800 ms   75/min   1.00 mV");
});

test("a click leaves what was there", () => {
  const { calipers, drag } = paper();
  drag([100, 50], [100.3, 50.3]);
  assert.equal(calipers.value, null);
  drag([10, 50], [30, 40]);
  drag([150, 90], [150.3, 90]);
  assert.equal(calipers.value.milliseconds, 800);
});

test("an edge is taken where the hand is near it, the whole between them", () => {
  const { calipers, drag } = paper();
  drag([10, 50], [30, 40]);
  drag([31.5, 45], [41.5, 45]);
  assert.deepEqual([calipers.span.x1, calipers.span.x2], [10, 41.5]);
  drag([20, 45], [25, 40]);
  assert.deepEqual(calipers.span, { x1: 15, x2: 46.5, y1: 45, y2: 35 });
  drag([47.5, 60], [60, 60]); // beside the span, but by the edge
  assert.equal(calipers.span.x2, 60);
});

test("keys place them, move them by milliseconds and take them away", () => {
  const { calipers } = paper();
  assert.equal(calipers.nudge(4), false);
  calipers.place();
  assert.deepEqual(calipers.value, { milliseconds: 1000, rate: 60, millivolts: 1 });
  const { x1, x2 } = calipers.span;
  assert.equal(calipers.nudge(40), true);
  assert.deepEqual([calipers.span.x1 - x1, calipers.span.x2 - x2], [1, 1]);
  calipers.nudge(-40, true);
  assert.equal(calipers.value.milliseconds, 960);
  calipers.march();
  assert.equal(calipers.marching, true);
  calipers.remove();
  assert.deepEqual([calipers.span, calipers.marching, calipers.text], [null, false, ""]);
});

test("marching out places them first", () => {
  const { calipers } = paper();
  calipers.march();
  assert.ok(calipers.span && calipers.marching);
});

test("a span of no time has no rate", () => {
  const { calipers, drag } = paper();
  drag([10, 50], [10, 40]);
  assert.deepEqual(calipers.value, { milliseconds: 0, rate: 0, millivolts: 1 });
});

test("at another speed the same paper is another time", () => {
  const { calipers, drag, view } = paper();
  drag([10, 50], [30, 40]);
  view.setting = { speed: 50, gain: 20 };
  assert.deepEqual(calipers.value, { milliseconds: 400, rate: 150, millivolts: 0.5 });
});
