// Steps in place: a small form is sent to the JSON API, and what it was about changes where it stands.
//
//   <form data-step="/api/v1/..." data-step-done="remove | refresh | reload | /an/address">   fields by name become the JSON body
//   data-step-undo, data-step-undo-body   on the form: what takes the step back, which is offered for a while; the body gets the reason
//   data-step-filled            on the form: fields that are empty are not sent
//   [data-step-item]            around it: is taken away by "remove"; an input [data-reason] in it is sent as `reason`
//   [data-step-problem] <span>  in the form, else in the item: where a refusal is said
//   event telemed:step          on the document afterwards, for parts that draw themselves again

import { call } from "./api.js";
import { aimedAt, wordsOf } from "./element.js";
import { t } from "./i18n.js";
import { message } from "./message.js";
import { offerUndo } from "./undo.js";

/**
 * @param {HTMLFormElement} form
 * @param {string} text
 */
function say(form, text) {
  const place = form.querySelector("[data-step-problem]") ?? form.closest("[data-step-item]")?.querySelector("[data-step-problem]");
  if (!place) {
    if (text) message(text, { tone: "critical" });
    return;
  }
  place.hidden = !text;
  const words = place.querySelector("span");
  if (words) words.textContent = text;
}

/**
 * The item's own reason; items may lie within others.
 * @param {HTMLFormElement} form
 */
function reasonOf(form) {
  const item = form.closest("[data-step-item]");
  return [...(item?.querySelectorAll("input[data-reason]") ?? [])].find((field) => field.closest("[data-step-item]") === item);
}

/** @param {HTMLFormElement} form */
function bodyOf(form) {
  let fields = [...new FormData(form)];
  if ("stepFilled" in form.dataset) fields = fields.filter(([, value]) => String(value).trim() !== "");
  /** @type {Record<string, unknown>} */
  const body = Object.fromEntries(fields);
  const reason = reasonOf(form);
  if (reason) body.reason = reason.value;
  return body;
}

/**
 * Takes the item away and gives the next one the focus, so that the keyboard goes on where it was.
 * @param {HTMLElement} item
 */
function remove(item) {
  const list = item.parentElement;
  const next = item.nextElementSibling ?? item.previousElementSibling;
  const counter = item.closest("section")?.querySelector("[data-step-count]");
  item.remove();
  if (counter && list) counter.textContent = String(list.querySelectorAll(":scope > [data-step-item]").length);
  if (next instanceof HTMLElement && next.matches("[tabindex]")) {
    next.tabIndex = 0;
    next.focus();
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {string | undefined} reason
 */
async function takeBack(form, reason) {
  const body = JSON.parse(form.dataset.stepUndoBody ?? "{}");
  await call("POST", form.dataset.stepUndo ?? "", { body: { ...body, reason: reason || t("Taken back at once") } });
  window.location.reload();
}

/**
 * @param {HTMLFormElement} form
 * @param {string | undefined} reason
 */
function sayDone(form, reason) {
  if (form.dataset.stepUndo) offerUndo(t("Done."), () => takeBack(form, reason));
  else message(t("Done."));
}

/** @param {HTMLFormElement} form */
async function send(form) {
  const item = form.closest("[data-step-item]");
  const reason = reasonOf(form);
  if (reason && !reason.value.trim()) {
    say(form, t("Write the reason first."));
    reason.focus();
    return;
  }
  const button = form.querySelector("[type=submit]");
  if (button?.getAttribute("aria-busy") === "true") return;
  button?.setAttribute("aria-busy", "true");
  say(form, "");
  try {
    const body = bodyOf(form);
    await call("POST", form.dataset.step ?? "", Object.keys(body).length ? { body } : {});
  } catch (error) {
    say(form, wordsOf(error));
    return;
  } finally {
    button?.removeAttribute("aria-busy");
  }
  form.closest("details")?.removeAttribute("open");
  if (form.dataset.stepDone === "reload") window.location.reload();
  else if (form.dataset.stepDone?.startsWith("/")) window.location.assign(form.dataset.stepDone);
  else {
    if (form.dataset.stepDone === "remove" && item) remove(item);
    sayDone(form, reason?.value);
    document.dispatchEvent(new CustomEvent("telemed:step"));
  }
}

export function start() {
  document.addEventListener("submit", (event) => {
    const form = aimedAt(event, "form[data-step]");
    if (!form) return;
    event.preventDefault();
    send(form);
  });
  document.addEventListener("change", (event) => {
    const control = event.target instanceof Element && event.target.matches("[data-submit-on-change]") ? event.target : null;
    control?.closest("form")?.requestSubmit();
  });
}
