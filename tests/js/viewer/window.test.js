import assert from "node:assert/strict";
import { test } from "node:test";

import { CT_PRESETS, grey, pixelTable, storedValue, valueTable, windowFromPixels } from "/static/js/viewer/window.js";

for (const [shape, value, level] of [
  ["LINEAR", -160.5, 0], // PS3.3 C.11.2.1.2.1: x <= c - 0.5 - (w - 1) / 2 is the darkest
  ["LINEAR", 239, 1],
  ["LINEAR", 39.5, 0.5],
  ["LINEAR_EXACT", -160, 0],
  ["LINEAR_EXACT", 40, 0.5],
  ["LINEAR_EXACT", 240, 1],
  ["SIGMOID", 40, 0.5],
])
  test(`${value} in a window ${shape} of 400 around 40 is ${level}`, () => {
    assert.ok(Math.abs(grey(value, 40, 400, shape) - level) < 1e-9);
  });

test("a window of width 1 is a threshold", () => assert.deepEqual([grey(39.5, 40, 1), grey(39.6, 40, 1)], [0, 1]));

for (const [bits, format, value] of [
  [0xffff, { bitsStored: 16, highBit: 15, signed: true }, -1],
  [0x8000, { bitsStored: 16, highBit: 15, signed: true }, -32768],
  [0x7fff, { bitsStored: 16, highBit: 15, signed: true }, 32767],
  [0xf800, { bitsStored: 12, highBit: 11, signed: true }, -2048],
  [0xf7ff, { bitsStored: 12, highBit: 11, signed: false }, 2047],
  [0xabc0, { bitsStored: 12, highBit: 15, signed: false }, 0xabc],
])
  test(`stored bits ${bits.toString(16)} are ${value}`, () => assert.equal(storedValue(bits, format), value));

const CT = { bitsAllocated: 16, bitsStored: 12, highBit: 11, signed: false, slope: 1, intercept: -1024 };

test("values are rescaled, and bits above the high bit are cut off", () => {
  const values = valueTable(CT);
  assert.equal(values.length, 65_536);
  assert.deepEqual([values[0xa000 + 24], values[0xf000 + 2024]], [-1000, 1000]);
});

for (const shape of ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
  for (const width of [1, 2, 400])
    test(`the pixel table is the window function ${shape} of width ${width}`, () => {
      const values = valueTable(CT);
      const window = { center: 40, width, shape };
      const [plain, inverted] = [pixelTable(values, window, false), pixelTable(values, window, true)];
      for (let bits = 0; bits < values.length; bits += 1) {
        const wanted = Math.round(grey(values[bits], 40, width, shape) * 255);
        const level = plain[bits] & 255;
        assert.ok(Math.abs(level - wanted) <= 1, `${values[bits]}: ${level}, not ${wanted}`);
        assert.equal(plain[bits], (0xff000000 | (level * 0x010101)) >>> 0); // opaque grey
        assert.equal(inverted[bits] & 255, 255 - level);
      }
    });

test("images without a window get one from their own values", () => {
  const values = valueTable({ ...CT, intercept: 0 });
  const pixels = Uint16Array.from({ length: 1000 }, (_, n) => n);
  assert.deepEqual(windowFromPixels(pixels, values), { center: 500, width: 980 });
  assert.deepEqual(windowFromPixels(new Uint16Array(100).fill(7), values), { center: 7, width: 1 });
  assert.deepEqual(windowFromPixels(new Uint16Array(0), values), { center: 0.5, width: 1 });
});

test("the presets have keys of their own", () => assert.equal(new Set(CT_PRESETS.map(({ key }) => key)).size, CT_PRESETS.length));
