// The evidence of a case: tabs, panels (panels.js), pictures in full size, and what arrives while one looks.

import { call } from "./api.js";
import { aimedAt, el, need, wordsOf } from "./element.js";
import { t } from "./i18n.js";
import { register } from "./keys.js";
import { comparePanels, growPanels, openPanels, samePanel } from "./panels.js";

const CHANNEL = "telemed-viewer";
/** @type {BroadcastChannel | null} */
let channel = null;

/** @param {ParentNode} root */
const tabs = (root) => [...root.querySelectorAll(".evidence-tabs [role=tab]")];

/**
 * The pages of a document as pictures, each fetched when it comes near the screen.
 * @param {HTMLElement} place
 */
async function showPages(place) {
  const address = place.dataset.pages ?? "";
  delete place.dataset.pages;
  try {
    const { data } = await call("GET", address);
    /** @type {{number: number, width: number, height: number}[]} */
    const pages = data.items;
    place.replaceChildren(
      ...pages.map(({ number, width, height }) =>
        el("img", {
          src: `${address}/${number}`,
          alt: t("Page {n}", { n: number }),
          width: String(Math.round(width)),
          height: String(Math.round(height)),
          loading: "lazy",
        }),
      ),
    );
  } catch (error) {
    place.replaceChildren(el("p", { role: "alert" }, wordsOf(error)));
  }
}

/**
 * What is on the screen is fetched; what stands behind another tab waits.
 * @param {ParentNode} section
 */
function fillPanels(section) {
  for (const place of section.querySelectorAll(".evidence-panel:not([hidden]) [data-pages]")) showPages(place);
}

/**
 * @param {HTMLElement} section
 * @param {HTMLElement} tab
 */
function choose(section, tab) {
  for (const each of tabs(section)) {
    const on = each === tab;
    each.setAttribute("aria-selected", String(on));
    each.tabIndex = on ? 0 : -1;
    const panel = section.querySelector(`#${CSS.escape(each.getAttribute("aria-controls") ?? "")}`);
    if (panel) panel.hidden = !on;
  }
  fillPanels(section);
}

/**
 * @param {HTMLElement} page
 * @param {number} by
 */
function step(page, by) {
  const section = need(page, "[data-part=evidence]");
  const all = tabs(section);
  const at = all.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
  const next = all[(at + by + all.length) % all.length];
  if (next) choose(section, next);
}

/**
 * Tell the panels here and the second window.
 * @param {{compare?: string}} order
 */
export function askForWindow(order) {
  channel?.postMessage(order);
  if (order.compare) comparePanels(document, order.compare);
}

/**
 * Bring what is new into the section without touching what is on the screen.
 * @param {HTMLElement} old
 * @param {HTMLElement} fresh
 * @param {PanelContext} context
 */
export function refreshEvidence(old, fresh, context) {
  const chosen = tabs(old).find((tab) => tab.getAttribute("aria-selected") === "true")?.id;
  growPanels(old, fresh);
  // Panels that are here stay as they are: a film that runs, a page that was scrolled, an image that was windowed.
  for (const panel of fresh.querySelectorAll(".evidence-panel")) {
    const here = old.querySelector(`#${CSS.escape(panel.id)}`);
    if (here && samePanel(here, panel)) panel.remove();
    else if (here) here.replaceWith(panel);
    else old.append(panel);
  }
  need(old, ".evidence-tabs").replaceWith(need(fresh, ".evidence-tabs"));
  const tab = tabs(old).find((each) => each.id === chosen) ?? tabs(old)[0];
  if (tab) choose(old, tab);
  fillPanels(old);
  openPanels(old, context);
}

/**
 * Start the evidence of a page; `context` is what panels are told.
 * @param {HTMLElement} page
 * @param {PanelContext} context
 */
export function startEvidence(page, context) {
  channel = new BroadcastChannel(CHANNEL);
  channel.postMessage({ open: new URL(page.dataset.windowUrl ?? "", window.location.href).href });
  page.addEventListener("click", (event) => {
    const tab = aimedAt(event, ".evidence-tabs [role=tab]");
    const section = tab?.closest("[data-part]");
    if (tab && section) choose(section, tab);
    aimedAt(event, "[data-picture]")?.classList.toggle("picture-full");
  });
  const several = () => tabs(page).length > 1;
  register("]", t("Next evidence"), () => step(page, 1), { when: several });
  register("[", t("Previous evidence"), () => step(page, -1), { when: several });
  fillPanels(page);
  openPanels(page, context);
}
