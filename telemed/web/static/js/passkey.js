// Passkeys (Web Authentication).
//
//   <button data-passkey-sign-in="/address">   the second step of signing in by a passkey, then on to the address
//   [data-passkey-problem]                     place of a refusal

import { call } from "./api.js";
import { aimedAt, wordsOf } from "./element.js";
import { t } from "./i18n.js";

/**
 * Why a ceremony came to nothing, in words: browsers say hardly more than that it did.
 * @param {unknown} error
 */
export function passkeyWords(error) {
  if (error instanceof DOMException && error.name === "InvalidStateError") return t("This passkey is one of yours already.");
  if (error instanceof DOMException) return t("The passkey was not used: it was cancelled, or took too long. Try again.");
  return wordsOf(error);
}

function supported() {
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON)
    throw new Error(t("This browser is too old for passkeys: use another one, or another factor."));
}

/**
 * Have a passkey made by what the server asks. Gives what the browser made, as JSON.
 * @param {PublicKeyCredentialCreationOptionsJSON} options
 */
export async function createPasskey(options) {
  supported();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const made = /** @type {PublicKeyCredential} */ (await navigator.credentials.create({ publicKey }));
  return made.toJSON();
}

async function signIn() {
  supported();
  const { data } = await call("POST", "/api/v1/login/passkey/options", { body: {} });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(data);
  const signed = /** @type {PublicKeyCredential} */ (await navigator.credentials.get({ publicKey }));
  await call("POST", "/api/v1/login/passkey", { body: { credential: signed.toJSON() } });
}

document.addEventListener("click", async (event) => {
  const button = aimedAt(event, "button[data-passkey-sign-in]");
  if (!button || button.getAttribute("aria-busy") === "true") return;
  const place = document.querySelector("[data-passkey-problem]");
  button.setAttribute("aria-busy", "true");
  if (place) place.hidden = true;
  try {
    await signIn();
    window.location.assign(button.dataset.passkeySignIn || "/");
  } catch (error) {
    if (place) {
      place.textContent = passkeyWords(error);
      place.hidden = false;
    }
  } finally {
    button.removeAttribute("aria-busy");
  }
});
