// The security administrator's accounts.
//
//   <form data-account="/api/v1/accounts" data-account-method="POST">   saved as JSON; faults stand at their fields
//     data-account-tag="..."      entity tag of what was changed, for PUT
//     data-account-then="/a/b"    where it goes on after PUT
//   <button data-invite="/api/v1/accounts/wang.li/invite">              a new invitation
//   [data-invitation] shows its link, once: [data-invitation-link], [data-copy-link], [data-copied]
//   [data-account-panel] is hidden once there is a link to show

import { call, Problem } from "./api.js";
import { aimedAt, need, wordsOf } from "./element.js";
import { showErrors } from "./field-errors.js";
import { readForm } from "./form-values.js";
import { t } from "./i18n.js";
import { message } from "./message.js";
import "./post.js";

/** @param {{url: string}} made */
function showInvitation(made) {
  const place = need(document, "[data-invitation]");
  const panel = document.querySelector("[data-account-panel]");
  need(place, "input[data-invitation-link]").value = made.url;
  if (panel) panel.hidden = true;
  place.hidden = false;
  place.focus();
  place.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLFormElement} form */
async function save(form) {
  const button = need(form, "[type=submit]");
  const problem = need(form, "[data-problem]");
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  problem.hidden = true;
  showErrors(form, []);
  const { account = "", accountMethod = "POST", accountTag = "", accountThen = "" } = form.dataset;
  try {
    const headers = accountTag ? { "If-Match": accountTag } : undefined;
    const { data } = await call(accountMethod, account, { body: readForm(form), headers });
    if (accountThen) window.location.assign(accountThen);
    else showInvitation(data);
  } catch (error) {
    if (error instanceof Problem && error.errors.length) showErrors(form, error.errors);
    else {
      const stale = error instanceof Problem && error.status === 412;
      problem.textContent = stale ? t("Somebody changed this account in between: reload the page, then change it again.") : wordsOf(error);
      problem.hidden = false;
    }
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** @param {HTMLElement} button */
async function invite(button) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    const { data } = await call("POST", button.dataset.invite ?? "", {});
    showInvitation(data);
  } catch (error) {
    message(wordsOf(error), { tone: "critical" });
  } finally {
    button.removeAttribute("aria-busy");
  }
}

async function copyLink() {
  const link = need(document, "input[data-invitation-link]");
  const said = need(document, "[data-copied]");
  link.select();
  try {
    await navigator.clipboard.writeText(link.value);
    said.textContent = t("Copied");
  } catch {
    said.textContent = t("Press Ctrl+C to copy it");
  }
}

document.addEventListener("submit", (event) => {
  const form = aimedAt(event, "form[data-account]");
  if (!form) return;
  event.preventDefault();
  save(form);
});
document.addEventListener("click", (event) => {
  const button = aimedAt(event, "[data-invite]");
  if (button) invite(button);
  if (aimedAt(event, "[data-copy-link]")) copyLink();
});
