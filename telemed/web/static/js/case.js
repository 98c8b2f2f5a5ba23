// A case page that stays true: when the case changes, the parts that changed are replaced one by one.
//
//   <div data-case-page="ID"> with [data-part] elements that have an id
// What somebody is typing, and the viewer, are left alone.

import { fetchInBackground } from "./background.js";
import { aimedAt, need } from "./element.js";

const page = need(document, "[data-case-page]");
/** Id of a part -> the markup that the server sent for it last. @type {Map<string, string>} */
const shown = new Map();
let running = false;
let again = false;

/** @param {HTMLElement} part */
function typing(part) {
  const controls = /** @type {NodeListOf<Control>} */ (part.querySelectorAll("textarea, input, select"));
  return [...controls].some((control) => {
    if (control === document.activeElement) return true;
    if (control instanceof HTMLSelectElement) return [...control.options].some((option) => option.selected && !option.defaultSelected);
    if (control.type === "radio" || control.type === "checkbox") return "checked" in control && control.checked !== control.defaultChecked;
    return control.value !== control.defaultValue;
  });
}

/**
 * @param {HTMLElement} old
 * @param {HTMLElement} fresh
 */
function keepOpen(old, fresh) {
  for (const details of old.querySelectorAll("details")) {
    const twin = fresh.querySelector("details");
    if (twin) twin.open = details.open;
  }
}

/** @param {string} markup */
function take(markup) {
  const fresh = new DOMParser().parseFromString(markup, "text/html");
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id);
    if (!old || shown.get(part.id) === part.outerHTML || typing(old)) continue;
    shown.set(part.id, part.outerHTML);
    keepOpen(old, part);
    old.replaceWith(document.adoptNode(part));
    window.htmx?.process(part);
  }
  const count = fresh.querySelector(".bar-tabs .count");
  const here = document.querySelector(".bar-tabs .count");
  if (count && here) here.replaceWith(document.adoptNode(count));
  document.body.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true })); // clocks are drawn at once
}

/** Fetch this page again and take over what changed. Several calls at once are one. */
async function refresh() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  try {
    const response = await fetchInBackground(window.location.href, "text/html");
    if (response.ok && !response.redirected) take(await response.text());
  } catch {
    // The line is down; live.js says so, and the next event brings the page up to date.
  } finally {
    running = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

/** @param {string} uid */
async function showImages(uid) {
  const place = need(page, "[data-viewer-place]");
  const open = place.querySelector("[data-viewer]");
  if (open?.dataset.study === uid) {
    place.hidden = !place.hidden;
    return;
  }
  const viewer = document.createElement("div");
  viewer.className = "viewer";
  Object.assign(viewer.dataset, { viewer: "", study: uid });
  place.replaceChildren(viewer);
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
  (await import("./viewer/viewer.js")).start(place);
}

function start() {
  for (const part of page.querySelectorAll("[data-part]")) shown.set(part.id, "");
  page.addEventListener("click", (event) => {
    const study = aimedAt(event, "[data-open-study]");
    if (study) showImages(study.dataset.openStudy ?? "");
    if (aimedAt(event, "[data-print]")) window.print();
  });
  page.addEventListener("change", (event) => {
    const select = aimedAt(event, "select[data-optional-name]");
    if (select) select.name = select.value ? (select.dataset.optionalName ?? "") : "";
  });
  document.addEventListener("telemed:case", (event) => {
    if (event.detail.case_id === page.dataset.casePage) refresh();
  });
  document.addEventListener("telemed:posted", (event) => {
    if (event.target instanceof HTMLFormElement) event.target.reset(); // the server has what was typed: the part may be drawn anew
    const active = document.activeElement;
    if (active instanceof HTMLElement && page.contains(active)) active.blur();
  });
  for (const name of ["telemed:posted", "telemed:refused", "telemed:uploaded"]) document.addEventListener(name, () => refresh());
}

start();
