// A session that ended while somebody writes: said at once, and signed in again in place. What is written stays in the browser meanwhile.
//
//   <form data-person="user name">     a form whose text is kept in this browser (kept-draft.js)
//
// While one writes, the session is asked for in the background, which keeps it no younger. Signing in again fires `online` on the
// window: whoever waits for the line to come back goes on. Somebody else who signs in here gets the page anew.

import { fetchInBackground } from "./background.js";
import { el, icon } from "./element.js";
import { t } from "./i18n.js";

const EVERY = 20_000; // ms between two looks while one writes
const OWN = "/api/v1/me";

/** @type {HTMLElement | null} */
let banner = null;
let asked = 0;

/** @param {string} person */
function openSheet(person) {
  const name = el("input", { class: "form-control credential", name: "username", autocomplete: "username", value: person, required: true });
  const password = el("input", {
    class: "form-control credential",
    name: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const problem = el("p", { class: "field-error", role: "alert", hidden: true });
  const form = el(
    "form",
    { class: "sheet-body sign-in-again", method: "dialog" },
    el("label", { class: "field" }, el("span", { class: "field-label" }, t("User name")), name),
    el("label", { class: "field" }, el("span", { class: "field-label" }, t("Password")), password),
    problem,
    el("button", { class: "btn btn-primary", type: "submit" }, t("Sign in")),
  );
  const sheet = el(
    "dialog",
    { class: "sheet", "aria-labelledby": "sign-in-again" },
    el("div", { class: "sheet-head", id: "sign-in-again" }, t("Sign in again")),
    form,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    const words = await signIn(name.value, password.value);
    if (words) Object.assign(problem, { textContent: words, hidden: false });
    else {
      sheet.close();
      await goOn(person);
    }
  });
  sheet.addEventListener("close", () => sheet.remove());
  document.body.append(sheet);
  sheet.showModal();
  password.focus();
}

/**
 * The form of the sign-in page, sent from here. Gives what stands against it, or nothing. A page that asks for more than a password is
 * opened beside this one.
 * @param {string} username
 * @param {string} password
 */
async function signIn(username, password) {
  let response;
  try {
    response = await fetch("/login", {
      method: "POST",
      body: new URLSearchParams({ username, password, next: "/help" }),
      credentials: "same-origin",
    });
  } catch {
    return t("No connection to the server.");
  }
  if (new URL(response.url).pathname !== "/login") return "";
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (page.querySelector("[name=code]")) {
    window.open("/login", "_blank");
    return t("Finish signing in in the new tab, then go on here.");
  }
  return page.querySelector("[role=alert]")?.textContent?.trim() || t("refused ({status})", { status: response.status });
}

/** @param {string} person */
async function goOn(person) {
  const answer = await fetchInBackground(OWN, "application/json");
  if (!answer.ok) return;
  const { username } = await answer.json();
  if (person && username !== person) {
    window.location.reload();
    return;
  }
  banner?.remove();
  banner = null;
  window.dispatchEvent(new Event("online"));
}

/** @param {string} person */
function show(person) {
  if (banner) return;
  banner = el(
    "div",
    { class: "notice tone-critical signed-out", role: "alert" },
    icon("lock"),
    el("span", {}, t("Signed out: the text is kept in this browser. Sign in again to save it.")),
    el("button", { class: "btn", type: "button", onclick: () => openSheet(person) }, t("Sign in again")),
  );
  document.body.append(banner);
}

/** @param {string} person */
async function look(person) {
  if (Date.now() - asked < EVERY) return;
  asked = Date.now();
  try {
    const answer = await fetchInBackground(OWN, "application/json");
    if (answer.status === 401) show(person);
    else if (answer.ok && banner) await goOn(person);
  } catch {
    // The line is down: whoever saves says so.
  }
}

export function start() {
  for (const form of document.querySelectorAll("form[data-person]")) {
    const person = form.dataset.person ?? "";
    form.addEventListener("input", () => look(person));
    form.addEventListener("submit", () => look(person));
  }
}
