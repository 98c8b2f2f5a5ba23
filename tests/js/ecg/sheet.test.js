import assert from "node:assert/strict";
import { test } from "node:test";

import { LAYOUTS, makeSheet, pulse, pulseWidth, SPEEDS } from "/static/js/ecg/sheet.js";

const TWELVE = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];
const RESTING = { leads: TWELVE, duration: 10 };

for (const { name, rhythm } of LAYOUTS)
  for (const speed of SPEEDS)
    test(`${name} at ${speed} mm/s shows every lead once, in order of time`, () => {
      const sheet = makeSheet(RESTING, name, speed, 150);
      const strips = sheet.strips.filter((strip) => !strip.rhythm);
      assert.deepEqual(
        strips.map((strip) => strip.lead),
        TWELVE,
      );
      assert.equal(sheet.strips.filter((strip) => strip.rhythm).length, rhythm ? 1 : 0);
      assert.equal(sheet.width, pulseWidth(speed) + 10 * speed);
      for (const strip of sheet.strips) {
        // A millimetre of paper is the same time everywhere.
        assert.ok(Math.abs(strip.x - pulseWidth(speed) - strip.begin * speed) < 1e-9);
        assert.ok(strip.x + strip.width <= sheet.width + 1e-9);
        assert.ok(strip.y > 0 && strip.y < sheet.height);
      }
    });

test("rows share the room there is, and are never too low to read", () => {
  assert.equal(makeSheet(RESTING, "3x4", 25, 200).rowHeight, 50);
  assert.equal(makeSheet(RESTING, "12x1", 25, 100).rowHeight, 15);
  assert.equal(makeSheet(RESTING, "12x1", 25, 100).height, 180);
});

test("one lead enlarged has the paper for itself", () => {
  const sheet = makeSheet(RESTING, "3x4", 25, 40, "V2");
  assert.deepEqual(
    sheet.strips.map(({ lead, begin, width }) => [lead, begin, width]),
    [["V2", 0, 250]],
  );
  assert.equal(sheet.rowHeight, 60);
});

test("other leads than the twelve stand below each other, fifteen at most", () => {
  const leads = Array.from({ length: 20 }, (_, n) => `E${n}`);
  const sheet = makeSheet({ leads, duration: 10 }, "3x4", 25, 150);
  assert.deepEqual(
    sheet.strips.map((strip) => strip.lead),
    leads.slice(0, 15),
  );
  assert.ok(sheet.strips.every((strip) => strip.begin === 0 && !strip.rhythm));
});

test("a layout that nobody knows is the usual one", () => {
  assert.deepEqual(makeSheet(RESTING, "x", 25, 150).strips, makeSheet(RESTING, "3x4", 25, 150).strips);
});

test("the pulse is 1 mV high and 200 ms wide, and ends where the trace begins", () => {
  const points = pulse(3, 50, 25, 10);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  assert.deepEqual([Math.max(...ys) - Math.min(...ys), xs[3] - xs[2]], [10, 5]);
  assert.equal(xs.at(-1) - xs[0], pulseWidth(25));
});
