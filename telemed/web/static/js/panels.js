// Panels of the evidence. A panel is drawn by the module whose address its element carries, so none is named here.
//
//   <div data-panel="NAME" data-panel-module="/static/.../viewer.js"></div>
//
// The module exports open(element, context), which gives the panel:
//   grow(fresh)     more has arrived; `fresh` is the element as the server draws it now, with its data attributes
//   compare(uid)    a prior study is wanted beside the present one
// Both may be missing. The context is {caseId, form}; form() gives the form the report is written in, or null.

import { el, wordsOf } from "./element.js";

/** @type {WeakMap<Element, Promise<Panel>>} */
const opened = new WeakMap();

/** @param {ParentNode} root */
const panelElements = (root) => [...root.querySelectorAll("[data-panel]")];

/**
 * @param {HTMLElement} element
 * @param {PanelContext} context
 * @returns {Promise<Panel>}
 */
async function open(element, context) {
  try {
    /** @type {PanelModule} */
    const module = await import(element.dataset.panelModule ?? "");
    return (await module.open(element, context)) ?? {};
  } catch (error) {
    opened.delete(element); // the next look at the evidence tries again
    element.replaceChildren(el("p", { role: "alert" }, wordsOf(error)));
    return {};
  }
}

/**
 * Open the panels below an element that are not open yet.
 * @param {ParentNode} root
 * @param {PanelContext} context
 */
export function openPanels(root, context) {
  for (const element of panelElements(root)) if (!opened.has(element)) opened.set(element, open(element, context));
}

/**
 * Tell the open panels below `old` what the server draws now, `fresh`.
 * @param {ParentNode} old
 * @param {ParentNode} fresh
 */
export function growPanels(old, fresh) {
  const now = new Map(panelElements(fresh).map((element) => [element.dataset.panel, element]));
  for (const element of panelElements(old)) {
    const drawn = now.get(element.dataset.panel);
    if (drawn) opened.get(element)?.then((panel) => panel.grow?.(drawn));
  }
}

/**
 * Ask every open panel below an element to show a prior study beside the present one.
 * @param {ParentNode} root
 * @param {string} uid
 */
export function comparePanels(root, uid) {
  for (const element of panelElements(root)) opened.get(element)?.then((panel) => panel.compare?.(uid));
}

/**
 * True if both elements hold the same panel, or neither holds one.
 * @param {ParentNode} one
 * @param {ParentNode} other
 */
export function samePanel(one, other) {
  return one.querySelector("[data-panel]")?.dataset.panel === other.querySelector("[data-panel]")?.dataset.panel;
}
