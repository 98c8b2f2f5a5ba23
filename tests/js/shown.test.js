import assert from "node:assert/strict";
import { test } from "node:test";

import { shown } from "/static/js/shown.js";
import { text } from "/static/js/viewer/dataset.js";

test("what cannot be seen is shown by its number", () => {
  assert.equal(shown("张\u202e伟\u200b"), "张‹U+202E›伟‹U+200B›");
  assert.equal(shown("a\u{e0041}\ufeff\u00ad"), "a‹U+E0041›‹U+FEFF›‹U+00AD›");
  assert.equal(shown("a\u200db"), "a‹U+200D›b");
});

test("what can be seen, and what is spelling, stays", () => {
  for (const each of ["", "张伟", "a b\n\tc", "3\u2009mm", "\u202f\u205f\u2070\ufefe", "می\u200cخواهم"]) assert.equal(shown(each), each);
});

test("so are texts of DICOM objects, names among them", () => {
  assert.equal(text({ "00081030": { vr: "LO", Value: ["CT\u202eDAEH"] } }, "00081030"), "CT‹U+202E›DAEH");
  assert.equal(text({ "00100010": { vr: "PN", Value: [{ Alphabetic: "Zhang^\u200bWei" }] } }, "00100010"), "Zhang ‹U+200B›Wei");
});
