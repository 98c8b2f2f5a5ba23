import assert from "node:assert/strict";
import { test } from "node:test";

import { angle, describe, distance, ellipseStatistics, MeasurementBook } from "/static/js/viewer/measure.js";

const near = (found, wanted, by = 1e-9) => assert.ok(Math.abs(found - wanted) <= by, `${found}, not ${wanted}`);
const [ORIGIN, POINT] = [
  { x: 0, y: 0 },
  { x: 3, y: 4 },
];

test("lengths use the spacing of rows and of columns", () => {
  near(distance(ORIGIN, POINT, null), 5);
  near(distance(ORIGIN, POINT, [0.5, 0.5]), 2.5);
  near(distance(ORIGIN, POINT, [2, 1]), Math.hypot(3, 8));
});

test("angles honour unequal spacing and never pass 180 degrees", () => {
  near(angle([{ x: 10, y: 0 }, ORIGIN, { x: 0, y: 7 }], null), 90);
  near(angle([{ x: 10, y: 0 }, ORIGIN, { x: 10, y: 10 }], [2, 1]), 63.4349, 1e-3);
  near(angle([{ x: -1, y: 0.1 }, ORIGIN, { x: -1, y: -0.1 }], null), 11.4212, 1e-3);
  near(angle([{ x: 1, y: 0 }, ORIGIN, { x: -1, y: 0 }], null), 180);
});

test("a region counts the pixels whose middle lies inside", () => {
  const found = ellipseStatistics([ORIGIN, { x: 10, y: 10 }], 10, 10, (column) => column);
  near(found.mean, 4.5);
  near(found.count, 25 * Math.PI, 3);
  assert.deepEqual([found.min, found.max], [0, 9]);
});

test("a region beyond the image counts what is in it; an empty one says nothing", () => {
  const found = ellipseStatistics(
    [
      { x: -10, y: -10 },
      { x: 10, y: 10 },
    ],
    4,
    4,
    () => 7,
  );
  assert.deepEqual(found, { count: 16, mean: 7, deviation: 0, min: 7, max: 7 });
  assert.equal(
    ellipseStatistics(
      [
        { x: 5, y: 5 },
        { x: 5, y: 5 },
      ],
      10,
      10,
      () => 1,
    ),
    null,
  );
});

const slice = { key: "1/1", spacing: [1, 1], atDetector: false, instance: { modality: "CT", columns: 4, rows: 4 } };
const frame = { pixels: new Uint8Array(16).fill(3), table: [0, 0, 0, -50] };

test("what is written says its unit, and where it cannot be trusted", () => {
  const length = { kind: "length", points: [ORIGIN, POINT] };
  assert.deepEqual(describe(length, slice, null), ["5.0 mm"]);
  assert.deepEqual(describe(length, { ...slice, spacing: null }, null), ["5.0 px"]);
  assert.deepEqual(describe(length, { ...slice, atDetector: true }, null), ["5.0 mm", "at the detector, magnified"]);
  const region = { kind: "ellipse", points: [ORIGIN, { x: 4, y: 4 }] };
  assert.deepEqual(describe(region, slice, frame), ["mean -50.0 HU ± 0.0", "12.6 mm²", "min -50 · max -50 · n 12"]);
  assert.deepEqual(describe(region, slice, null), ["12.6 mm²"]);
});

test("measurements belong to their slice", () => {
  const book = new MeasurementBook();
  const [one, two] = [{ kind: "length" }, { kind: "angle" }];
  book.add(slice, one);
  book.add(slice, two);
  book.remove(slice, one);
  assert.deepEqual([book.of(slice), book.of({ key: "2/1" })], [[two], []]);
});
