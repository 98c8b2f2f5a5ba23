import assert from "node:assert/strict";
import { test } from "node:test";

import { rateOf } from "/static/js/viewer/cine.js";

const rate = (named) =>
  rateOf({ instance: { dataset: Object.fromEntries(Object.entries(named).map(([tag, value]) => [tag, { Value: [value] }])) } });

test("the rate is what the images ask for (PS3.3 C.7.6.5)", () => {
  assert.equal(rate({ "00082144": 25, "00180040": 12, "00181063": 10 }), 25);
  assert.equal(rate({ "00180040": 12, "00181063": 10 }), 12);
  assert.equal(rate({ "00181063": 40 }), 25);
});

test("nonsense is shown at the usual rate, and nothing faster than screens", () => {
  assert.deepEqual([rate({}), rate({ "00181063": 0 }), rate({ "00180040": -1 }), rate({ "00082144": 0 })], [15, 15, 15, 15]);
  assert.equal(rate({ "00180040": 1000 }), 60);
});
