import assert from "node:assert/strict";
import { test } from "node:test";

import { edgeLetters, normalOf, sameWay, sideLetters } from "/static/js/viewer/geometry.js";
import { chance } from "../chance.js";

const AXIAL = [1, 0, 0, 0, 1, 0];
const OPPOSITE = { L: "R", R: "L", A: "P", P: "A", H: "F", F: "H" };

for (const [name, orientation, rotation, flipped, edges] of [
  ["axial", AXIAL, 0, false, { left: "R", right: "L", top: "A", bottom: "P" }],
  ["axial, turned", AXIAL, 90, false, { left: "P", right: "A", top: "R", bottom: "L" }],
  ["axial, upside down", AXIAL, 180, false, { left: "L", right: "R", top: "P", bottom: "A" }],
  ["axial, flipped", AXIAL, 0, true, { left: "L", right: "R", top: "A", bottom: "P" }],
  ["sagittal", [0, 1, 0, 0, 0, -1], 0, false, { left: "A", right: "P", top: "H", bottom: "F" }],
  ["coronal", [1, 0, 0, 0, 0, -1], 0, false, { left: "R", right: "L", top: "H", bottom: "F" }],
  ["oblique", [0.94, 0.34, 0, 0, 0, -1], 0, false, { left: "RA", right: "LP", top: "H", bottom: "F" }],
])
  test(`edges name the side of the patient: ${name}`, () => assert.deepEqual(edgeLetters(orientation, rotation, flipped), edges));

test("without an orientation there are no letters", () => assert.equal(edgeLetters(null, 0, false), null));

test("opposite edges always name opposite sides, and none twice", () => {
  const random = chance(6);
  for (let round = 0; round < 500; round += 1) {
    const [a, b, c] = [random(), random(), random()].map((part) => (part - 0.5) * 4 * Math.PI);
    const row = [Math.cos(a) * Math.cos(b), Math.sin(a) * Math.cos(b), Math.sin(b)];
    const across = [-Math.sin(a), Math.cos(a), 0];
    const up = normalOf([...row, ...across]);
    const column = across.map((part, n) => part * Math.cos(c) + up[n] * Math.sin(c));
    const edges = edgeLetters([...row, ...column], 90 * Math.floor(random() * 4), random() < 0.5);
    assert.equal(edges.left, [...edges.right].map((letter) => OPPOSITE[letter]).join(""));
    assert.equal(edges.top, [...edges.bottom].map((letter) => OPPOSITE[letter]).join(""));
    assert.ok(edges.left && edges.top && edges.left !== edges.top);
  }
});

test("a second letter stands from a quarter on", () => {
  assert.deepEqual([sideLetters([1, 0.25, 0]), sideLetters([1, 0.26, 0]), sideLetters([0.5, -0.6, 0.4])], ["L", "LP", "AL"]);
});

test("planes are parallel up to 18 degrees, either way round", () => {
  const tilted = (degrees) => [0, Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  assert.deepEqual(
    [0, 18, 19, 90, 161, 162, 180].map((degrees) => sameWay([0, 0, 1], tilted(degrees))),
    [1, 1, 0, 0, 0, -1, -1],
  );
  assert.equal(sameWay(null, [0, 0, 1]), 0);
});

test("the normal of an axial image points to the head", () => assert.deepEqual(normalOf(AXIAL), [0, 0, 1]));
