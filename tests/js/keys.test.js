import assert from "node:assert/strict";
import { test } from "node:test";

import { capsOf, keyName } from "/static/js/keys.js";

for (const [event, name] of [
  [{ key: "j" }, "j"],
  [{ key: "J", shiftKey: true }, "J"],
  [{ key: "?", shiftKey: true }, "?"],
  [{ key: " " }, "Space"],
  [{ key: "Enter", ctrlKey: true }, "Control+Enter"],
  [{ key: "Enter", metaKey: true }, "Control+Enter"],
  [{ key: "S", ctrlKey: true, shiftKey: true }, "Control+s"],
  [{ key: "s", altKey: true }, "Alt+s"],
  [{ key: "ArrowLeft", shiftKey: true }, "Shift+ArrowLeft"],
  [{ key: "Process", code: "KeyJ" }, "j"], // a Chinese input method is on
  [{ key: "Unidentified", code: "KeyJ" }, "j"],
  [{ key: "Process", code: "Digit1" }, ""],
])
  test(`${JSON.stringify(event)} is ${name || "nothing"}`, () => assert.equal(keyName({ code: "", ...event }), name));

for (const [key, caps] of [
  ["+", ["+"]],
  ["=", ["="]],
  ["-", ["-"]],
  ["Control+Enter", ["Ctrl", "Enter"]],
  ["Control++", ["Ctrl", "+"]],
  ["j  k", ["j", "k"]],
  ["Escape", ["Esc"]],
  ["ArrowDown", ["↓"]],
])
  test(`the caps of ${key}`, () => assert.deepEqual(capsOf(key), caps));
