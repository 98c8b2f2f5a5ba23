// One's own password and second factors.
//
//   <form data-own="/api/v1/me/..." data-own-kind="..." data-own-then="/address">   its fields, passwords too, are sent as JSON
//     password  the new one twice; then on to the address
//     plain     then on to the address
//     totp      what comes is shown in [data-totp-waiting]: [data-totp-picture], [data-totp-secret]
//     passkey   the browser makes a passkey in between; then as codes
//     codes     recovery codes that come are shown in [data-recovery-codes], [data-recovery-list]; [data-own-panel]s go
//   [data-problem]   place of a refusal that belongs to no field;   button[data-print-codes]   prints the codes

import { call, Problem } from "./api.js";
import { aimedAt, el, need } from "./element.js";
import { setFieldError, showErrors } from "./field-errors.js";
import { t } from "./i18n.js";
import { createPasskey, passkeyWords } from "./passkey.js";
import "./post.js";

/** @typedef {{recovery_codes?: string[], svg?: string, secret?: string}} Given */

/** @param {HTMLFormElement} form */
function valuesOf(form) {
  /** @type {Record<string, string>} */
  const values = {};
  for (const [name, value] of new FormData(form)) if (typeof value === "string") values[name] = value;
  delete values.account; // for the browser's memory of passwords alone
  return values;
}

/** @param {HTMLFormElement} form */
function missing(form) {
  const empty = [...form.querySelectorAll("input[required]")].filter((input) => input instanceof HTMLInputElement && !input.value);
  for (const input of form.querySelectorAll("input")) setFieldError(input, "");
  for (const input of empty) setFieldError(input, t("This is needed."));
  if (empty[0] instanceof HTMLElement) empty[0].focus();
  return empty.length > 0;
}

/** @param {Given} given */
function showCodes(given) {
  const section = need(document, "[data-recovery-codes]");
  need(section, "[data-recovery-list]").replaceChildren(...(given.recovery_codes ?? []).map((code) => el("li", {}, el("code", {}, code))));
  for (const panel of document.querySelectorAll("[data-own-panel], [data-totp-waiting]")) panel.hidden = true;
  section.hidden = false;
  need(section, "h2").focus();
}

/** @param {Given} given */
function showSecret(given) {
  const section = need(document, "[data-totp-waiting]");
  const drawn = new DOMParser().parseFromString(given.svg ?? "", "image/svg+xml").documentElement;
  need(section, "[data-totp-picture]").replaceChildren(document.importNode(drawn, true));
  need(section, "[data-totp-secret]").textContent = given.secret ?? "";
  section.hidden = false;
  need(section, "input[name=code]").focus();
}

/**
 * @param {HTMLFormElement} form
 * @returns {Promise<Given>}
 */
async function send(form) {
  const { own = "", ownKind = "" } = form.dataset;
  const values = valuesOf(form);
  if (ownKind === "passkey") {
    const { data } = await call("POST", `${own}/options`, { body: { password: values.password } });
    const body = { name: values.name, credential: await createPasskey(data) };
    return (await call("POST", own, { body })).data;
  }
  delete values.again;
  return (await call(ownKind === "password" ? "PUT" : "POST", own, { body: values })).data;
}

/**
 * @param {HTMLFormElement} form
 * @param {Given} given
 */
function goOn(form, given) {
  form.closest("details")?.removeAttribute("open");
  if (given.svg) showSecret(given);
  else if (given.recovery_codes?.length) showCodes(given);
  else window.location.assign(form.dataset.ownThen || need(document, "[data-recovery-codes] a").getAttribute("href") || "/");
}

/** @param {HTMLFormElement} form */
async function submit(form) {
  const button = form.querySelector("[type=submit]");
  const place = need(form, "[data-problem]");
  if (button?.getAttribute("aria-busy") === "true" || missing(form)) return;
  const again = form.querySelector("input[name=again]");
  if (again && again.value !== form.querySelector("input[name=new]")?.value) {
    setFieldError(again, t("The two are not the same."));
    again.focus();
    return;
  }
  button?.setAttribute("aria-busy", "true");
  place.hidden = true;
  try {
    goOn(form, await send(form));
  } catch (error) {
    if (error instanceof Problem && error.errors.length) showErrors(form, error.errors);
    else {
      place.textContent = error instanceof Problem ? error.document.detail || error.message : passkeyWords(error);
      place.hidden = false;
      form.querySelector("input[name=password], input[name=old], input[name=code]")?.focus();
    }
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = aimedAt(event, "form[data-own]");
  if (!form) return;
  event.preventDefault();
  submit(form);
});
document.addEventListener("click", (event) => {
  if (aimedAt(event, "button[data-print-codes]")) window.print();
});
