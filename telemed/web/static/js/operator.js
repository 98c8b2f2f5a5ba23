// The pages of the operator and the administrators.

import { call } from "./api.js";
import { wordsOf } from "./element.js";
import { t } from "./i18n.js";
import { register } from "./keys.js";
import * as livePart from "./live-part.js";
import { message } from "./message.js";
import * as stepForm from "./step-form.js";

const MAX_CHOICES = 5;

const WALKED = "[data-unmatched] [data-study], [data-doubt]";

/** What j and k walk: studies without a case, then pairs of records in doubt. */
function walked() {
  return [...document.querySelectorAll(WALKED)];
}

function current() {
  return document.activeElement?.closest("[data-study]") ?? document.querySelector("[data-unmatched] [data-study]");
}

/** @param {number} step */
function move(step) {
  const all = walked();
  const here = document.activeElement?.closest(WALKED);
  const now = here ? all.indexOf(here) : -1;
  const next = all[now < 0 ? 0 : Math.min(Math.max(now + step, 0), all.length - 1)];
  for (const each of all) each.tabIndex = each === next ? 0 : -1;
  next?.focus();
}

/** j k walk the page, a digit links the study to the case that it numbers. */
function startUnmatched() {
  if (!document.querySelector(WALKED)) return;
  const group = t("Studies without a case");
  const when = () => walked().length > 0;
  register("j", t("Next study or pair of records"), () => move(1), { when, group });
  register("k", t("Previous study or pair of records"), () => move(-1), { when, group });
  for (let number = 1; number <= MAX_CHOICES; number += 1) {
    const button = () => current()?.querySelector(`[data-choice="${number}"]`);
    register(String(number), t("Link to proposed case {n}", { n: number }), () => button()?.click(), {
      when: () => Boolean(button()),
      group,
    });
  }
}

/** What may be asked for follows the centre that was chosen; another centre empties it. */
function startRoute() {
  const centre = document.querySelector("select[data-needs-of]");
  const need = centre?.form?.querySelector("[name=need]");
  if (!centre || !need) return;
  const follow = () => {
    for (const group of need.querySelectorAll("optgroup")) group.hidden = group.dataset.centre !== centre.value;
  };
  centre.addEventListener("change", () => {
    need.value = "";
    follow();
  });
  follow();
}

/** Names of a pair in doubt, for whoever has to decide: they take the place of the masked ones. */
function startNames() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.names) return;
    event.preventDefault();
    try {
      const { data } = await call("POST", form.dataset.names, { body: Object.fromEntries(new FormData(form)) });
      for (const { id, name } of data.items) {
        for (const place of form.closest("[data-doubt]")?.querySelectorAll(`[data-name-of="${id}"]`) ?? []) place.textContent = name;
      }
      form.closest("[data-doubt]")?.focus();
      form.remove();
    } catch (error) {
      message(wordsOf(error), { tone: "critical" });
    }
  });
}

for (const part of [stepForm, livePart]) part.start();
startUnmatched();
startRoute();
startNames();
