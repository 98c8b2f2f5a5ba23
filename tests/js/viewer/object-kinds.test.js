import assert from "node:assert/strict";
import { test } from "node:test";

import { countWords, isPlayable, kindOf } from "/static/js/viewer/object-kinds.js";

const STORAGE = "1.2.840.10008.5.1.4.1.1.";
const SYNTAX = "1.2.840.10008.1.2.";
const object = (named) => Object.fromEntries(Object.entries(named).map(([tag, value]) => [tag, { Value: [value] }]));
const made = (sop, more = {}) => object({ "00080016": STORAGE + sop, ...more });
const PIXELS = { "00280010": 4, "00280011": 4 };

test("an object is what its class says", () => {
  assert.equal(kindOf(made("2", PIXELS)), "picture");
  assert.equal(kindOf(made("88.33")), "report");
  assert.equal(kindOf(made("88.59")), "report");
  assert.equal(kindOf(made("104.1")), "document");
  assert.equal(kindOf(made("9.1.1")), "waveform");
  assert.equal(kindOf(made("11.1")), "presentation");
  assert.equal(kindOf(made("481.3")), "other");
  assert.equal(kindOf(made("12.1", PIXELS)), "picture"); // XA: the arc 1.2 is not that of 11 or 104
  assert.equal(kindOf(object(PIXELS)), "picture");
  assert.equal(kindOf(object({})), "other");
});

test("video is told by its transfer syntax, whatever its class", () => {
  for (const last of ["4.100", "4.101", "4.102", "4.103.1", "4.106", "4.107", "4.108"])
    assert.equal(kindOf(made("3.1", { ...PIXELS, "00083002": SYNTAX + last })), "video", last);
  for (const last of ["1", "4.50", "4.90", "4.109", "4.110"])
    assert.equal(kindOf(made("3.1", { ...PIXELS, "00083002": SYNTAX + last })), "picture", last);
  assert.equal(isPlayable(made("3.1", { "00083002": `${SYNTAX}4.101` })), false);
  assert.equal(isPlayable(made("3.1", { "00083002": `${SYNTAX}4.102` })), true);
});

test("what is no picture is not counted as images", () => {
  assert.equal(countWords({ slices: [1, 2] }), "2 images");
  assert.equal(countWords({ kind: "report", objects: [1] }), "Structured report");
  assert.equal(countWords({ kind: "video", objects: [1, 2] }), "Video × 2");
});
