import assert from "node:assert/strict";
import { test } from "node:test";

import { comparePanels, growPanels, openPanels, samePanel } from "/static/js/panels.js";

const CONTEXT = { caseId: "C", form: () => null };
const FULL = `export function open(element, context) {
  element.seen = ["open " + context.caseId];
  return { grow: (fresh) => element.seen.push("grow " + fresh.dataset.expected), compare: (uid) => element.seen.push("compare " + uid) };
}`;
const BARE = "export function open(element) { element.seen = []; }";

/** An element that a panel is drawn in, by a module with this text. */
const panel = (name, text, more = {}) => ({
  dataset: { panel: name, panelModule: `data:text/javascript,${encodeURIComponent(text)}`, ...more },
  replaceChildren(...children) {
    this.children = children;
  },
});
const section = (...panels) => ({ querySelectorAll: () => panels, querySelector: () => panels[0] ?? null });
async function until(holds) {
  while (!holds()) await new Promise(setImmediate);
}

test("each panel is opened once, and hears of what arrives and of what is to be compared", async () => {
  const ecg = panel("ecg", FULL);
  const here = section(ecg);
  openPanels(here, CONTEXT);
  openPanels(here, CONTEXT);
  growPanels(here, section(panel("ecg", FULL, { expected: "2" })));
  comparePanels(here, "1.2");
  await until(() => ecg.seen?.length === 3);
  assert.deepEqual(ecg.seen, ["open C", "grow 2", "compare 1.2"]);
});

test("a panel that cannot grow or compare is left alone, and one that the server does not draw hears nothing", async () => {
  const [bare, other] = [panel("bare", BARE), panel("other", FULL)];
  const here = section(bare, other);
  openPanels(here, CONTEXT);
  growPanels(here, section(panel("bare", BARE)));
  comparePanels(here, "1.2");
  await until(() => bare.seen && other.seen?.length === 2);
  assert.deepEqual([bare.seen, other.seen], [[], ["open C", "compare 1.2"]]);
});

test("panels that are not open hear nothing", () => {
  const closed = panel("ecg", FULL);
  growPanels(section(closed), section(panel("ecg", FULL)));
  comparePanels(section(closed), "1.2");
  assert.equal(closed.seen, undefined);
});

test("a panel that cannot be drawn says so, and is tried again", async () => {
  document.createElement = (name) => ({ name, setAttribute: () => {}, append: (text) => (document.said = text) });
  const broken = panel("broken", 'export function open() { throw new Error("no canvas"); }');
  openPanels(section(broken), CONTEXT);
  await until(() => broken.children);
  assert.equal(document.said, "no canvas");
  assert.equal(broken.children[0].name, "p");
  broken.dataset.panelModule = panel("broken", FULL).dataset.panelModule;
  openPanels(section(broken), CONTEXT);
  await until(() => broken.seen);
  assert.deepEqual(broken.seen, ["open C"]);
});

test("sections are alike if they hold the same panel, or none", () => {
  const [ecg, viewer, none] = [section(panel("ecg", BARE)), section(panel("viewer", BARE)), section()];
  assert.deepEqual([samePanel(ecg, ecg), samePanel(ecg, viewer), samePanel(ecg, none), samePanel(none, none)], [true, false, false, true]);
});
