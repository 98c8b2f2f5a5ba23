import assert from "node:assert/strict";
import { test } from "node:test";

import { sides, zoomWords } from "/static/js/viewer/corner-texts.js";
import { patientOrientation, projectionLetters, viewModifiers, viewsOf, viewWords } from "/static/js/viewer/projection.js";

const object = (named) => Object.fromEntries(Object.entries(named).map(([tag, value]) => [tag, { Value: [value].flat() }]));
const edges = (stated, rotation = 0, flipped = false) => {
  const found = projectionLetters(stated, rotation, flipped);
  return found && [found.top, found.right, found.bottom, found.left].join(" ");
};

test("the letters of a projection stand where rows and columns point, their opposites across", () => {
  assert.equal(edges(["L", "F"]), "H L F R");
  assert.equal(edges(["A", "F"]), "H A F P");
  assert.equal(edges(["P", "FR"]), "HL P FR A");
});

test("they turn and flip with the picture", () => {
  assert.equal(edges(["L", "F"], 90), "R H L F"); // turned clockwise, the left edge comes to the top
  assert.equal(edges(["L", "F"], 180), "F R H L");
  assert.equal(edges(["L", "F"], 270), "L F R H");
  assert.equal(edges(["L", "F"], 0, true), "H R F L");
  assert.equal(edges(["L", "F"], 90, true), "L H R F"); // flipped first, then turned, as it is drawn
});

test("what is not stated has no letter", () => {
  assert.equal(patientOrientation(object({}), 1), null);
  assert.equal(patientOrientation(object({ "00200020": "L" }), 1), null);
  assert.equal(patientOrientation(object({ "00200020": [null, null] }), 1), null);
  assert.deepEqual(patientOrientation(object({ "00200020": ["A", "F"] }), 1), ["A", "F"]);
  assert.equal(edges(["L", ""]), " L  R");
  assert.equal(edges(["LE", "V"]), " LE V "); // codes of animals: what is stated, and nothing made of it
  assert.equal(edges(null), null);
});

test("the place in the patient goes before what a projection states", () => {
  const stated = { dataset: object({ "00200020": ["A", "F"] }) };
  const view = { rotation: 0, flipped: false };
  assert.equal(sides({ instance: stated, frame: 1, orientation: [1, 0, 0, 0, 1, 0] }, view).right, "L");
  assert.equal(sides({ instance: stated, frame: 1, orientation: null }, view).right, "A");
  assert.equal(sides({ instance: { dataset: {} }, frame: 1, orientation: null }, view), null);
});

test("side and view of a mammogram are those it states", () => {
  const code = (value, meaning) => object({ "00080100": value, "00080104": meaning });
  assert.equal(viewWords(object({ "00200062": "L", "00185101": "CC" })), "L CC");
  assert.equal(viewWords(object({ "00200062": "R", "00540220": code("R-10226", "medio-lateral oblique") })), "R MLO");
  assert.equal(viewWords(object({ "00200062": "R", "00540220": code("399162004", "cranio-caudal") })), "R CC");
  assert.equal(viewWords(object({ "00540220": code("X-1", "unheard of") })), "unheard of");
  assert.equal(viewWords(object({ "00200062": "U", "00185101": "PA" })), "PA");
  assert.equal(viewWords(object({ "00200060": "R" })), "R");
  assert.equal(viewWords(object({})), "");
  const modified = object({ "00540220": object({ "00080100": "R-10242", "00540222": code("R-102D6", "Magnification") }) });
  assert.equal(viewModifiers(modified), "Magnification");
});

test("a series of several views names each", () => {
  const slice = (side, view) => ({ instance: { dataset: object({ "00200062": side, "00185101": view }) } });
  assert.equal(viewsOf([slice("L", "CC"), slice("R", "CC"), slice("L", "CC")]), "L CC, R CC");
  assert.equal(viewsOf([{ instance: { dataset: {} } }]), "");
});

test("the percentage is of true pixels, and what fits is called so", () => {
  assert.equal(zoomWords({ zoom: 1, magnification: 0.3412 }), "fit 34 %");
  assert.equal(zoomWords({ zoom: 1.5, magnification: 0.05 }), "5.0 %");
  assert.equal(zoomWords({ zoom: 2.9, magnification: 1 }), "1:1 100 %");
  assert.equal(zoomWords({ zoom: 3, magnification: 2 }), "200 %");
});
