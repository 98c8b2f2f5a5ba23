// One step through the JSON API, by a button or a small form.
//
//   <button data-post="/api/v1/cases/ID/claim" data-then="/read/ID">           posts {} and goes on
//   <form data-post="/api/v1/cases/ID/return" data-then="/worklist">            posts its fields by their names
//     ... <p data-problem hidden></p> <button type="submit">
//   data-then   an address; "stay" (the default): the event telemed:posted on the element says that it is done
//   data-undo   {"text", "url", "body"?, "then"?}: offered afterwards, on this page or on the next
//   data-flush  the drafts of the page are saved first
//   [data-fill="text"] inside a form puts a ready text into its textarea
// A refusal stands beside the form, or lies over the page for a button, and telemed:refused tells the page to look again.

import { call, Problem } from "./api.js";
import { flushDrafts } from "./autosave.js";
import { aimedAt, wordsOf } from "./element.js";
import { setFieldError } from "./field-errors.js";
import { nest, readForm } from "./form-values.js";
import { t } from "./i18n.js";
import { message } from "./message.js";
import { offerUndo } from "./undo.js";

const UNDO_LATER = "telemed.undo"; // kept for one change of page
const UNDO_FRESH = 10_000; // ms

/** @param {HTMLElement} place */
function problemPlace(place) {
  return place.matches("form") ? place.querySelector("[data-problem]") : null;
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 */
function say(place, text) {
  const where = problemPlace(place);
  if (!where) {
    if (text) message(text, { tone: "critical" });
    return;
  }
  where.textContent = text;
  where.hidden = text === "";
}

/**
 * Why a step was refused, in words.
 * @param {unknown} error
 */
function refusalText(error) {
  const { claimed_by: who = "", title = "" } = error instanceof Problem ? error.document : {};
  return who ? t("{title}: {who}", { title, who }) : wordsOf(error);
}

/**
 * @param {HTMLElement} place
 * @param {unknown} error
 */
function showRefusal(place, error) {
  const faults = error instanceof Problem ? error.errors : [];
  const homeless = faults.filter(({ field, message: words }) => {
    const control = place.matches("form") ? place.querySelector(`[name="${CSS.escape(field ?? "")}"]`) : null;
    if (!control?.closest("[data-field]")) return true;
    setFieldError(control, words);
    return false;
  });
  say(place, faults.length && !homeless.length ? "" : refusalText(error));
}

/** @param {Undoable} undo */
function offer(undo) {
  offerUndo(undo.text, async () => {
    await call("POST", undo.url, { body: undo.body ?? {} });
    if (undo.then) window.location.assign(undo.then);
  });
}

/**
 * @param {HTMLElement} place
 * @param {unknown} data
 */
function goOn(place, data) {
  const { then = "stay", undo } = place.dataset;
  const way = undo ? JSON.parse(undo) : null;
  if (then === "stay") {
    if (way) offer(way);
    place.closest("dialog")?.close();
    place.dispatchEvent(new CustomEvent("telemed:posted", { bubbles: true, detail: data }));
    return;
  }
  if (way) sessionStorage.setItem(UNDO_LATER, JSON.stringify({ ...way, at: Date.now() }));
  window.location.assign(then);
}

/**
 * Do the step of an element. A second press while it runs does nothing.
 * @param {HTMLElement} place
 */
export async function post(place) {
  const button = place.matches("form") ? place.querySelector("[type=submit]") : place;
  if (button?.getAttribute("aria-busy") === "true") return;
  button?.setAttribute("aria-busy", "true");
  say(place, "");
  try {
    if (place.dataset.flush !== undefined && !(await flushDrafts()))
      throw new Error(t("The draft is not saved yet. Wait for the connection, then try again."));
    const body = place instanceof HTMLFormElement ? nest(readForm(place)) : {};
    const { data } = await call(place.dataset.method ?? "POST", place.dataset.post ?? "", { body });
    goOn(place, data);
  } catch (error) {
    showRefusal(place, error);
    place.dispatchEvent(new CustomEvent("telemed:refused", { bubbles: true, detail: error }));
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

/** @param {Event} event */
function onClick(event) {
  const fill = aimedAt(event, "[data-fill]");
  if (fill) {
    const form = fill.closest("form");
    const area = form?.querySelector("textarea") ?? form?.querySelector("input[type=text]");
    const { fill: text = "" } = fill.dataset;
    if (area) area.value = area.value ? `${area.value} ${text}` : text;
    area?.focus();
  }
  const button = aimedAt(event, "button[data-post]");
  if (button) post(button);
  const opener = aimedAt(event, "[data-sheet]");
  const sheet = opener && document.getElementById(opener.dataset.sheet ?? "");
  if (sheet instanceof HTMLDialogElement) sheet.showModal();
}

/** @param {Event} event */
function onSubmit(event) {
  const form = aimedAt(event, "form[data-post]");
  if (!form) return;
  event.preventDefault();
  post(form);
}

function offerFromBefore() {
  const kept = sessionStorage.getItem(UNDO_LATER);
  sessionStorage.removeItem(UNDO_LATER);
  const way = kept && JSON.parse(kept);
  if (way && Date.now() - way.at < UNDO_FRESH) offer(way);
}

document.addEventListener("click", onClick);
document.addEventListener("submit", onSubmit);
offerFromBefore();
