// The keyboard. Everything a mouse can do here a key can do too, and `?` lists the keys of the page.
//
//   <button data-key="p" data-key-label="Hold">      the key presses the button (or focuses an input)
//   <tbody data-keys-list> with <tr data-row>        j k and the arrows move, Enter opens [data-open] of the row,
//                                                    [data-row-key="c"] inside the selected row is pressed by c
//   register(key, label, run, {when, group})         for what is not a button (the viewer)

import { aimedAt, el, takesText } from "./element.js";
import { t } from "./i18n.js";

/**
 * @typedef {object} Binding
 * @property {string} key
 * @property {string} label
 * @property {() => unknown} run
 * @property {() => unknown} when
 * @property {string} group
 */

/** Rows that a key moves by. @type {Record<string, number>} */
const STEPS = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 15, PageUp: -15 };

/** @type {Binding[]} */
const registered = [];

/**
 * Bind a key ("i", "Control+Enter", "ArrowDown"). Later bindings come first; `when` says whether it counts now.
 * @param {string} key
 * @param {string} label
 * @param {() => unknown} run
 * @param {{when?: () => unknown, group?: string}} options
 */
export function register(key, label, run, { when = () => true, group = "" } = {}) {
  const binding = { key, label, run, when, group };
  registered.unshift(binding);
  return () => registered.splice(registered.indexOf(binding), 1);
}

/**
 * The name of what was pressed. A Chinese input method that is on hides letters behind "Process": the code tells.
 * @param {KeyboardEvent} event
 */
export function keyName(event) {
  let key = event.key;
  if (key === "Process" || key === "Unidentified") key = /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : "";
  if (key === " ") key = "Space";
  const modifiers = [event.ctrlKey || event.metaKey ? "Control+" : "", event.altKey ? "Alt+" : ""].join("");
  const shift = event.shiftKey && key.length > 1 ? "Shift+" : "";
  return modifiers + shift + (key.length === 1 && modifiers ? key.toLowerCase() : key);
}

/** @param {HTMLElement} element */
function isShown(element) {
  return element.checkVisibility() && !element.matches(":disabled") && !element.closest("[inert]");
}

/** @param {HTMLElement} element */
function press(element) {
  if (element.matches("input, textarea, select")) {
    element.focus();
    if ("select" in element && typeof element.select === "function") element.select();
  } else element.click();
}

/** @param {string} name */
function runBinding(name) {
  const binding = registered.find((candidate) => candidate.key === name && candidate.when());
  if (binding) {
    binding.run();
    return true;
  }
  const dialog = document.querySelector("dialog[open]");
  const target = [...(dialog ?? document).querySelectorAll(`[data-key="${CSS.escape(name)}"]`)].find(isShown);
  if (target) press(target);
  return Boolean(target);
}

// ---- lists ----

/** @param {HTMLElement} list */
function selectedRow(list) {
  return list.querySelector("[data-row][aria-selected='true']");
}

/**
 * Move the selection of a list to a row.
 * @param {HTMLElement} list
 * @param {HTMLElement | null} row
 * @param {{focus?: boolean}} options
 */
export function selectRow(list, row, { focus = true } = {}) {
  const before = selectedRow(list);
  if (before && before !== row) {
    before.setAttribute("aria-selected", "false");
    before.tabIndex = -1;
  }
  if (!row) return;
  row.setAttribute("aria-selected", "true");
  row.tabIndex = 0;
  if (focus) row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

/**
 * @param {HTMLElement} list
 * @param {number} by
 */
function step(list, by) {
  const rows = [...list.querySelectorAll("[data-row]:not(.row-gone)")];
  if (!rows.length) return;
  const selected = selectedRow(list);
  const at = selected ? rows.indexOf(selected) : -1;
  selectRow(list, at < 0 ? rows[0] : rows[Math.min(Math.max(at + by, 0), rows.length - 1)]);
}

/** @param {string} name */
function runListKey(name) {
  const list = document.querySelector("[data-keys-list]");
  if (!list || document.querySelector("dialog[open]")) return false;
  const by = STEPS[name];
  if (by) {
    step(list, by);
    return true;
  }
  const row = selectedRow(list);
  if (!row) return false;
  const selector = name === "Enter" ? "[data-open]" : `[data-row-key="${CSS.escape(name)}"]`;
  const target = row.querySelector(selector);
  target?.click();
  return Boolean(target);
}

// ---- the list of keys ----

/** Keys with what they do, by group: those of the page first, each group in the order in which its keys were bound. */
function bindings() {
  /** @type {Map<string, Map<string, string>>} */
  const groups = new Map([["", new Map([["?", t("This list of keys")]])]]);
  const known = new Set(["?"]);
  /** @type {(key: string | undefined, label: string | undefined, group?: string) => void} */
  const add = (key, label, group = "") => {
    if (!key || !label || known.has(key)) return;
    known.add(key);
    if (!groups.has(group)) groups.set(group, new Map());
    groups.get(group)?.set(key, label);
  };
  if (document.querySelector("[data-keys-list]")) {
    add("j  k", t("Next and previous row"));
    add("Enter", t("Open the selected row"));
    for (const target of document.querySelectorAll("[data-keys-list] [data-row-key]"))
      add(target.dataset.rowKey, target.dataset.keyLabel ?? target.title);
  }
  if (document.querySelector("textarea")) add("Escape", t("Leave the text: letters are keys again"));
  for (const target of document.querySelectorAll("[data-key]")) if (isShown(target)) add(target.dataset.key, target.dataset.keyLabel);
  const now = registered.filter((binding) => binding.when());
  const acts = now.filter((binding, index) => now.findIndex(({ key }) => key === binding.key) === index);
  for (const binding of acts.reverse()) add(binding.key, binding.label, binding.group);
  return groups;
}

/**
 * The caps of a key, as a keyboard has them: "Control+Enter" are two, "+" is one.
 * @param {string} key
 */
export function capsOf(key) {
  /** @type {Record<string, string>} */
  const names = {
    Control: "Ctrl",
    Escape: "Esc",
    Delete: "Del",
    PageDown: "PgDn",
    PageUp: "PgUp",
    ArrowDown: "↓",
    ArrowUp: "↑",
    ArrowLeft: "←",
    ArrowRight: "→",
    Space: t("Space"),
  };
  return key.split(/(?<=.)\+(?=.)| {2}/).map((part) => names[part] ?? part);
}

/** @param {string} key */
const keyCaps = (key) => capsOf(key).flatMap((cap, index) => [index ? " " : "", el("kbd", {}, cap)]);

function showKeys() {
  const list = el("div", { tabindex: "-1" });
  for (const [group, rows] of bindings()) {
    if (group) list.append(el("h3", { class: "keys-group" }, group));
    const lines = [...rows].map(([key, label]) => el("div", {}, el("dt", {}, ...keyCaps(key)), el("dd", {}, label)));
    list.append(el("dl", { class: "keys" }, ...lines));
  }
  const sheet = el(
    "dialog",
    { class: "sheet", "aria-labelledby": "keys-title" },
    el("div", { class: "sheet-head", id: "keys-title" }, t("Keyboard")),
    el("div", { class: "sheet-body", tabindex: "0" }, list),
    el("form", { class: "sheet-foot", method: "dialog" }, el("button", { class: "btn", autofocus: true }, t("Close"))),
  );
  sheet.addEventListener("close", () => sheet.remove());
  document.body.append(sheet);
  sheet.showModal();
}

// ---- events ----

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.defaultPrevented || event.isComposing || (event.keyCode === 229 && takesText(event.target))) return;
  const name = keyName(event);
  // Enter and the space bar on something that can be pressed belong to it.
  if (["Enter", "Space"].includes(name) && aimedAt(event, "a, button, summary, input, [role='option']")) return;
  if (name === "Escape" && takesText(event.target) && !aimedAt(event, "dialog")) {
    if (event.target instanceof HTMLElement) event.target.blur();
    return;
  }
  const writing = takesText(event.target) && !name.startsWith("Control+") && !name.startsWith("Alt+");
  if (writing) return;
  if (name === "?") {
    event.preventDefault();
    showKeys();
  } else if (runBinding(name) || runListKey(name)) event.preventDefault();
}

/** @param {Event} event */
function onClick(event) {
  const row = aimedAt(event, "[data-keys-list] [data-row]");
  const list = row?.closest("[data-keys-list]");
  if (list) selectRow(list, row, { focus: !aimedAt(event, "a, button, input") });
  if (aimedAt(event, "[data-keys-overlay]")) showKeys();
}

/** @param {Event} event */
function onDoubleClick(event) {
  if (!aimedAt(event, "a, button, input")) aimedAt(event, "[data-keys-list] [data-row]")?.querySelector("[data-open]")?.click();
}

export function start() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onClick);
  document.addEventListener("dblclick", onDoubleClick);
}
