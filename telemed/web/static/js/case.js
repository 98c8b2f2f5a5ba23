// A case page that stays true: when the case changes, the parts that changed are replaced one by one.
//
//   <div data-case-page="ID"> with [data-part] elements that have an id
// What somebody is typing, and the viewer, are left alone.

const page = document.querySelector("[data-case-page]");
const shown = new Map(); // id of a part -> the markup that the server sent for it last
let running = false;
let again = false;

function typing(part) {
  return [...part.querySelectorAll("textarea, input, select")].some((control) => {
    if (control === document.activeElement) return true;
    if (control.type === "radio" || control.type === "checkbox") return control.checked !== control.defaultChecked;
    if (control.tagName === "SELECT")
      return [...control.options].some((option) => option.selected !== option.defaultSelected && option.selected);
    return control.value !== control.defaultValue;
  });
}

function keepOpen(old, fresh) {
  for (const details of old.querySelectorAll("details")) {
    const twin = fresh.querySelector("details");
    if (twin) twin.open = details.open;
  }
}

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
    const response = await fetch(window.location.href, { headers: { Accept: "text/html" } });
    if (response.ok) take(await response.text());
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

async function showImages(uid) {
  const place = page.querySelector("[data-viewer-place]");
  const open = place.querySelector("[data-viewer]");
  if (open?.dataset.study === uid) {
    place.hidden = !place.hidden;
    return;
  }
  const viewer = document.createElement("div");
  viewer.className = "viewer";
  Object.assign(viewer.dataset, { viewer: "", study: uid, patient: place.dataset.patient });
  place.replaceChildren(viewer);
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
  (await import("./viewer/viewer.js")).start(place);
}

function start() {
  for (const part of page.querySelectorAll("[data-part]")) shown.set(part.id, "");
  page.addEventListener("click", (event) => {
    const study = event.target.closest("[data-open-study]");
    if (study) showImages(study.dataset.openStudy);
    if (event.target.closest("[data-print]")) window.print();
  });
  page.addEventListener("change", (event) => {
    const select = event.target.closest("[data-optional-name]");
    if (select) select.name = select.value ? select.dataset.optionalName : "";
  });
  document.addEventListener("telemed:case", (event) => {
    if (event.detail.case_id === page.dataset.casePage) refresh();
  });
  document.addEventListener("telemed:posted", (event) => {
    if (event.target.matches("form")) event.target.reset(); // what was typed is with the server: the part may be drawn anew
    if (page.contains(document.activeElement)) document.activeElement.blur();
  });
  for (const name of ["telemed:posted", "telemed:refused", "telemed:uploaded"]) document.addEventListener(name, () => refresh());
}

start();
