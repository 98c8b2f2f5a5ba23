// Signing in place: the password is asked for where one is, then the next case opens.
//
//   <button data-confirm="sign-sheet" data-key="Control+Enter">                 opens the sheet
//   <dialog class="sheet" id="sign-sheet"><form data-confirm-action="/api/v1/cases/ID/report/sign" data-next="/address">
//     <input type="password" name="password">, further controls, [data-confirm-problem], a submit button
//   data-contradictions="/api/v1/cases/ID/report/contradictions" on the form: what does not go together is asked for as the sheet opens
//     (contradictions.js), and signing it all the same takes a reason
// Everything named in the form is posted as JSON. Drafts of the page are saved first.

import { call, Problem } from "./api.js";
import { flushDrafts } from "./autosave.js";
import { askForContradictions, showContradictions } from "./contradictions.js";
import { aimedAt, wordsOf } from "./element.js";
import { showErrors } from "./field-errors.js";
import { nest, readForm } from "./form-values.js";
import { t } from "./i18n.js";

/**
 * @param {HTMLFormElement} form
 * @param {string} text
 */
function say(form, text) {
  const place = form.querySelector("[data-confirm-problem]");
  if (!place) return;
  place.hidden = !text;
  (place.querySelector("span") ?? place).textContent = text;
}

/** @param {HTMLFormElement} form */
async function confirm(form) {
  const password = form.querySelector("input[type=password]");
  if (!(await flushDrafts())) throw new Error(t("The draft is not saved yet. Wait for the connection, then sign."));
  const { data } = await call("POST", form.dataset.confirmAction ?? "", { body: { ...nest(readForm(form)), password: password?.value } });
  document.dispatchEvent(new CustomEvent("telemed:confirmed", { detail: data }));
  window.location.assign(form.dataset.next || window.location.href);
}

/** @param {Event} event */
async function onSubmit(event) {
  const form = aimedAt(event, "form[data-confirm-action]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  if (button?.getAttribute("aria-busy") === "true") return;
  button?.setAttribute("aria-busy", "true");
  say(form, "");
  try {
    await confirm(form);
  } catch (error) {
    const found = error instanceof Problem ? error.document.contradictions : undefined;
    if (found) showContradictions(form, found);
    say(form, found ? t("Read what does not go together, and correct it or say why it is right.") : wordsOf(error));
    const report = document.querySelector("form[data-autosave]");
    if (error instanceof Problem && error.errors.length && report) showErrors(report, error.errors);
    const password = form.querySelector("input[type=password]");
    if (!password) return;
    password.value = "";
    password.focus();
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

/** @param {Event} event */
function onClick(event) {
  const opener = aimedAt(event, "[data-confirm]");
  const sheet = opener && document.getElementById(opener.dataset.confirm ?? "");
  if (sheet instanceof HTMLDialogElement && !sheet.open) {
    sheet.showModal();
    sheet.querySelector("input[type=password]")?.focus();
    askForContradictions(sheet.querySelector("form[data-contradictions]"));
  }
  if (aimedAt(event, "[data-close-sheet]")) aimedAt(event, "dialog")?.close();
}

export function start() {
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  // `close` does not bubble, and sheets come and go with parts of a page: it is heard on its way down.
  document.addEventListener(
    "close",
    (event) => {
      const sheet = event.target instanceof Element && event.target.matches("dialog.sheet") ? event.target : null;
      const password = sheet?.querySelector("input[type=password]");
      if (password) password.value = "";
    },
    true,
  );
}
