import assert from "node:assert/strict";
import { test } from "node:test";

import { entriesOf, Instance, inOrder, loadStudy, mergeStudy, Slice } from "/static/js/viewer/study.js";
import { serve } from "../server.js";

const AXIAL = [1, 0, 0, 0, 1, 0];
const made = ([number, z, orientation = AXIAL]) => ({
  instance: { number },
  frame: 1,
  position: null,
  orientation: z === null ? null : orientation,
  origin: z === null ? null : [0, 0, z],
});
const order = (...list) => inOrder(list.map(made)).slices.map((slice) => slice.instance.number);

test("slices lie in the order of their place, the way the numbers run", () => {
  assert.deepEqual(order([3, 10], [1, 30], [2, 20]), [1, 2, 3]);
  assert.deepEqual(order([1, 10], [3, 20], [2, 30]), [1, 3, 2]);
});

test("where places repeat, fail or are not parallel the numbers say", () => {
  assert.deepEqual(order([2, 5], [1, 5], [3, 6]), [1, 2, 3]);
  assert.deepEqual(order([2, null], [1, 7]), [1, 2]);
  assert.deepEqual(order([3, 1], [2, 2, [0, 1, 0, 0, 0, -1]], [1, 3]), [1, 2, 3]);
  assert.deepEqual(order(), []);
});

const attributes = (named) => Object.fromEntries(Object.entries(named).map(([tag, value]) => [tag, { Value: [value].flat() }]));
const CT = { "00280010": 4, "00280011": 6, "00280004": "MONOCHROME2", "00280100": 16, "00280101": 12, "00080018": "1.2" };
const instance = (more = {}) => new Instance(attributes({ ...CT, ...more }), "/series");

test("raw values are worth having where they are grey, of 8 or 16 bits and without a table", () => {
  assert.equal(instance().isRaw, true);
  for (const more of [
    { "00280004": "RGB", "00280002": 3 },
    { "00280100": 32 },
    { "00280102": 16 },
    { "00280101": 16, "00280102": 11 },
    { "00283000": {} },
  ])
    assert.equal(instance(more).isRaw, false, JSON.stringify(more));
  const refused = instance();
  refused.rawRefused = true;
  assert.equal(refused.isRaw, false);
});

test("spacing is the image's own, else the detector's, else that of the one ultrasound region", () => {
  const spacing = (more) => {
    const slice = new Slice(instance(more), 1);
    return [slice.spacing, slice.atDetector, slice.aspect];
  };
  const region = (extra = {}) => attributes({ "00186012": 1, "00186024": 3, "00186026": 3, "0018602C": 0.01, "0018602E": -0.02, ...extra });
  assert.deepEqual(spacing({ "00280030": [2, 1], "00181164": [3, 3] }), [[2, 1], false, 2]);
  assert.deepEqual(spacing({ "00181164": [3, 3] }), [[3, 3], true, 1]);
  assert.deepEqual(spacing({ "00186011": [region()] }), [[0.2, 0.1], false, 2]);
  assert.deepEqual(spacing({ "00186011": [region(), region()] }), [null, false, 1]);
  assert.deepEqual(spacing({ "00186011": [region({ "00186024": 4 })] }), [null, false, 1]);
  assert.deepEqual(spacing({ "00280030": [0, 1] }), [null, false, 1]);
  assert.deepEqual(spacing({ "00280034": [4, 2] }), [null, false, 2]);
});

test("a study is its series with images, in the order of their numbers", async (t) => {
  const series = (uid, number) => attributes({ "0020000E": uid, "00200011": number, "00080060": "CT" });
  const found = { "/studies/9/series": [series("2", 20), series("3", 3), series("1", 1)] };
  for (const uid of ["1", "2"]) found[`/studies/9/series/${uid}/metadata`] = [attributes({ ...CT, "00280008": 2, "00080020": "20261120" })];
  found["/studies/9/series/3/metadata"] = [attributes({ "00080018": "no pixels" })];
  const home = await serve(t, (request, response) => {
    const body = found[request.url.split("?")[0]];
    response.writeHead(body ? 200 : 404, { "Content-Type": "application/dicom+json" }).end(JSON.stringify(body ?? {}));
  });
  const study = await loadStudy(home, "9");
  assert.deepEqual(
    study.series.map((each) => [each.uid, each.slices.map((slice) => slice.key)]),
    [
      ["1", ["1.2/1", "1.2/2"]],
      ["2", ["1.2/1", "1.2/2"]],
    ],
  );
  assert.equal(study.date, "2026-11-20");
  assert.deepEqual(
    study.groups.map((group) => [group.uid, group.kind, group.objects.map((object) => object.url)]),
    [["3/other", "other", [`${home}/studies/9/series/3/instances/no pixels`]]],
  );
  assert.deepEqual(
    entriesOf(study).map((entry) => entry.number),
    [1, 3, 20],
  );
  await assert.rejects(loadStudy(home, "8"), /^Error: 404/);
});

test("what arrived since comes into the study that is open, and its series stay the same objects", () => {
  const series = (uid, slices) => ({ uid, slices, normal: null });
  const known = { series: [series("1", ["a"])], groups: [{ uid: "1/report", objects: ["r"] }], date: "", accession: "A1", description: "" };
  const first = known.series[0];
  const added = mergeStudy(known, {
    series: [series("1", ["a", "b"]), series("2", ["c"])],
    groups: [
      { uid: "1/report", objects: ["r", "s"] },
      { uid: "3/video", objects: ["v"] },
    ],
    date: "2026-11-20",
    accession: "",
    description: "x",
  });
  assert.equal(known.series[0], first);
  assert.deepEqual(first.slices, ["a", "b"]);
  assert.deepEqual(
    added.map((each) => [each.uid, each.study === known]),
    [
      ["2", true],
      ["3/video", true],
    ],
  );
  assert.deepEqual(
    known.groups.map((group) => group.objects),
    [["r", "s"], ["v"]],
  );
  assert.deepEqual([known.date, known.accession, known.description, known.series.length], ["2026-11-20", "A1", "x", 2]);
});
