import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { dropOldDrafts, KeptDraft } from "/static/js/kept-draft.js";

const DAY = 86_400_000;

/** A browser's store in memory, with room for so many characters. */
class Store {
  #room;
  constructor(room) {
    this.#room = room;
  }

  getItem(key) {
    return Object.hasOwn(this, key) ? this[key] : null;
  }

  setItem(key, value) {
    if (value.length > this.#room) throw new DOMException("full", "QuotaExceededError");
    this[key] = value;
  }

  removeItem(key) {
    delete this[key];
  }
}

const withStore = (room) => Object.defineProperty(globalThis, "localStorage", { value: new Store(room), configurable: true });
beforeEach(() => withStore(10_000));

test("what was written is read again, with what it was written over", () => {
  const kept = new KeptDraft("li", "/report");
  assert.equal(kept.read(), null);
  assert.equal(kept.write({ findings: "a" }, { findings: "" }, '"1"'), true);
  const { at, ...rest } = kept.read();
  assert.deepEqual(rest, { values: { findings: "a" }, base: { findings: "" }, etag: '"1"' });
  assert.ok(Math.abs(Date.now() - at) < DAY);
  kept.remove();
  assert.equal(kept.read(), null);
});

test("another person, or another report, is not shown it", () => {
  new KeptDraft("li", "/report").write({ findings: "a" }, {}, "");
  assert.equal(new KeptDraft("zhou", "/report").read(), null);
  assert.equal(new KeptDraft("li", "/other").read(), null);
});

test("a full browser says so", () => {
  withStore(10);
  assert.equal(new KeptDraft("li", "/report").write({ findings: "a long text" }, {}, ""), false);
});

test("a browser that forbids storage keeps nothing and breaks nothing", () => {
  Object.defineProperty(globalThis, "localStorage", {
    get: () => {
      throw new DOMException("no", "SecurityError");
    },
    configurable: true,
  });
  const kept = new KeptDraft("li", "/report");
  assert.equal(kept.write({}, {}, ""), false);
  assert.equal(kept.read(), null);
  kept.remove();
  dropOldDrafts();
});

test("drafts that nobody came back to for a month go, and nothing else does", () => {
  new KeptDraft("li", "/report").write({}, {}, "");
  const { at } = new KeptDraft("li", "/report").read();
  localStorage.setItem("telemed.draft.broken", "{}");
  localStorage.setItem("other", "{}");
  dropOldDrafts(at + 30 * DAY - 1);
  assert.deepEqual(Object.keys(localStorage), ["telemed.draft.li./report", "other"]);
  dropOldDrafts(at + 30 * DAY);
  assert.deepEqual(Object.keys(localStorage), ["other"]);
});

test("what cannot be read is no draft", () => {
  localStorage.setItem("telemed.draft.li./report", "{");
  assert.equal(new KeptDraft("li", "/report").read(), null);
});
