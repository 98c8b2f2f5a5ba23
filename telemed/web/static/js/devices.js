// The operator's devices.
//
//   <form data-device="/api/v1/devices" data-device-method="POST">   saved as JSON; faults stand at their fields
//   <button data-echo="/api/v1/devices/CT1/test">                     C-ECHO; [data-echo-answer] beside it says what came of it

import { call } from "./api.js";
import { readForm } from "./autosave.js";
import { el, icon } from "./element.js";
import { showErrors } from "./field-errors.js";
import { t } from "./i18n.js";
import "./post.js";

const LOOKS = { answered: ["done", "check"], refused: ["near", "alert-triangle"], unreachable: ["critical", "plug-connected-x"] };

function bodyOf(form) {
  const { calls_from: networks = "", ...values } = readForm(form);
  return { ...values, calls_from: networks.split(/[\s,;，、；]+/).filter(Boolean) };
}

async function save(form) {
  const button = form.querySelector("[type=submit]");
  const problem = form.querySelector("[data-problem]");
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  problem.hidden = true;
  showErrors(form, []);
  try {
    await call(form.dataset.deviceMethod, form.dataset.device, { body: bodyOf(form) });
    window.location.assign("/devices");
  } catch (error) {
    if (error.errors?.length) showErrors(form, error.errors);
    else {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function show(place, tone, picture, words, title = "") {
  place.replaceChildren(el("span", { class: `state tone-${tone}`, title }, icon(picture), words));
}

async function echo(button) {
  if (button.getAttribute("aria-busy") === "true") return;
  const place = button.parentElement.querySelector("[data-echo-answer]");
  button.setAttribute("aria-busy", "true");
  show(place, "waiting", "hourglass", t("Asking…"));
  try {
    const { data } = await call("POST", button.dataset.echo, {});
    show(place, ...LOOKS[data.outcome], data.words, data.detail);
  } catch (error) {
    show(place, "critical", "alert-triangle", error.message);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-device]");
  if (!form) return;
  event.preventDefault();
  save(form);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-echo]");
  if (button) echo(button);
});
