// The operator's devices.
//
//   <form data-device="/api/v1/devices" data-device-method="POST">   saved as JSON; faults stand at their fields
//   <button data-echo="/api/v1/devices/CT1/test">                     C-ECHO; [data-echo-answer] beside it says what came of it

import { call, Problem } from "./api.js";
import { aimedAt, el, icon, wordsOf } from "./element.js";
import { showErrors } from "./field-errors.js";
import { readForm } from "./form-values.js";
import { t } from "./i18n.js";
import "./post.js";

/** @type {Record<string, [tone: string, icon: string]>} */
const LOOKS = { answered: ["done", "check"], refused: ["near", "alert-triangle"], unreachable: ["critical", "plug-connected-x"] };

/**
 * @param {unknown} text
 * @param {RegExp} between
 */
function listOf(text, between) {
  return String(text ?? "")
    .split(between)
    .map((part) => part.trim())
    .filter(Boolean);
}

/** @param {HTMLFormElement} form */
function bodyOf(form) {
  const values = readForm(form);
  return {
    ...values,
    calls_from: listOf(values.calls_from, /[\s,;，、；]+/),
    certificates: listOf(values.certificates, /[\n,;，、；]+/),
  };
}

/** @param {HTMLFormElement} form */
async function save(form) {
  const button = form.querySelector("[type=submit]");
  const problem = form.querySelector("[data-problem]");
  if (!button || !problem || button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  problem.hidden = true;
  showErrors(form, []);
  try {
    await call(form.dataset.deviceMethod ?? "POST", form.dataset.device ?? "", { body: bodyOf(form) });
    window.location.assign("/devices");
  } catch (error) {
    if (error instanceof Problem && error.errors.length) showErrors(form, error.errors);
    else {
      problem.textContent = wordsOf(error);
      problem.hidden = false;
    }
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/**
 * @param {HTMLElement} place
 * @param {string} tone
 * @param {string} picture
 * @param {string} words
 * @param {string} title
 */
function show(place, tone, picture, words, title = "") {
  place.replaceChildren(el("span", { class: `state tone-${tone}`, title }, icon(picture), words));
}

/** @param {HTMLElement} button */
async function echo(button) {
  if (button.getAttribute("aria-busy") === "true") return;
  const place = button.parentElement?.querySelector("[data-echo-answer]");
  if (!place) return;
  button.setAttribute("aria-busy", "true");
  show(place, "waiting", "hourglass", t("Asking…"));
  try {
    const { data } = await call("POST", button.dataset.echo ?? "", {});
    const [tone, picture] = LOOKS[data.outcome];
    show(place, tone, picture, data.words, data.detail);
  } catch (error) {
    show(place, "critical", "alert-triangle", wordsOf(error));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = aimedAt(event, "form[data-device]");
  if (!form) return;
  event.preventDefault();
  save(form);
});
document.addEventListener("click", (event) => {
  const button = aimedAt(event, "[data-echo]");
  if (button) echo(button);
});
