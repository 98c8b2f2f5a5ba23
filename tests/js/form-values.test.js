import assert from "node:assert/strict";
import { test } from "node:test";

import { nest } from "/static/js/form-values.js";

test("dotted names become the JSON of the API", () => {
  const flat = { "sections.findings": "a", "sections.impression": "b", result: "positive" };
  assert.deepEqual(nest(flat), { sections: { findings: "a", impression: "b" }, result: "positive" });
});

test("values that are null stay, and depth has no end", () => {
  assert.deepEqual(nest({ "a.b.c": null, "a.b.d": ["x"], "a.e": 0 }), { a: { b: { c: null, d: ["x"] }, e: 0 } });
});

test("a name that begins with the name of a value is told apart", () => {
  assert.deepEqual(nest({ ab: 1, "a.b": 2 }), { ab: 1, a: { b: 2 } });
});
