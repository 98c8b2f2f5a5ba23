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

import { call } from "./api.js";
import { flushDrafts, nest, readForm } from "./autosave.js";
import { setFieldError } from "./field-errors.js";
import { t } from "./i18n.js";
import { message } from "./message.js";
import { offerUndo } from "./undo.js";

const UNDO_LATER = "telemed.undo"; // kept for one change of page
const UNDO_FRESH = 10_000; // ms

function problemPlace(place) {
  return place.matches("form") ? place.querySelector("[data-problem]") : null;
}

function say(place, text) {
  const where = problemPlace(place);
  if (!where) {
    if (text) message(text, { tone: "critical" });
    return;
  }
  where.textContent = text;
  where.hidden = text === "";
}

/** Why a step was refused, in words. */
export function refusalText(error) {
  const holder = error.document?.claimed_by;
  return holder ? t("{title}: {who}", { title: error.document.title, who: holder }) : error.message;
}

function showRefusal(place, error) {
  const homeless = (error.errors ?? []).filter(({ field, message: words }) => {
    const control = place.matches("form") && place.querySelector(`[name="${CSS.escape(field ?? "")}"]`);
    if (!control?.closest("[data-field]")) return true;
    setFieldError(control, words);
    return false;
  });
  say(place, error.errors?.length && !homeless.length ? "" : refusalText(error));
}

function offer(undo) {
  offerUndo(undo.text, async () => {
    await call("POST", undo.url, { body: undo.body ?? {} });
    if (undo.then) window.location.assign(undo.then);
  });
}

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

/** Do the step of an element. A second press while it runs does nothing. */
export async function post(place) {
  const button = place.matches("form") ? place.querySelector("[type=submit]") : place;
  if (button?.getAttribute("aria-busy") === "true") return;
  button?.setAttribute("aria-busy", "true");
  say(place, "");
  try {
    if (place.dataset.flush !== undefined && !(await flushDrafts()))
      throw new Error(t("The draft is not saved yet. Wait for the connection, then try again."));
    const body = place.matches("form") ? nest(readForm(place)) : {};
    const { data } = await call(place.dataset.method ?? "POST", place.dataset.post, { body });
    goOn(place, data);
  } catch (error) {
    showRefusal(place, error);
    place.dispatchEvent(new CustomEvent("telemed:refused", { bubbles: true, detail: error }));
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

function onClick(event) {
  const fill = event.target.closest("[data-fill]");
  if (fill) {
    const area = fill.closest("form").querySelector("textarea, input[type=text]");
    area.value = area.value ? `${area.value} ${fill.dataset.fill}` : fill.dataset.fill;
    area.focus();
  }
  const button = event.target.closest("button[data-post]");
  if (button) post(button);
  const opener = event.target.closest("[data-sheet]");
  if (opener) document.getElementById(opener.dataset.sheet)?.showModal();
}

function onSubmit(event) {
  const form = event.target.closest("form[data-post]");
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
