// The worklist: filters that act at once, saved views, images that are still arriving, and the first row under the hand.

import { call } from "./api.js";
import { serverNow } from "./clock.js";
import { aimedAt, changeIcon, wordsOf } from "./element.js";
import { selectRow } from "./keys.js";
import { message } from "./message.js";
import "./post.js";

const STILL_ARRIVING = 15_000; // ms since the last image; PACS send faster than that, practice

/** Counts of images show an hourglass while images keep coming. */
function markArriving() {
  for (const place of document.querySelectorAll("[data-received]")) {
    const arriving = serverNow() - Date.parse(place.dataset.received ?? "") < STILL_ARRIVING;
    place.classList.toggle("arriving", arriving);
    changeIcon(place.querySelector("svg"), arriving ? "hourglass" : "check");
  }
}

/** @param {HTMLFormElement} form */
async function saveView(form) {
  const body = Object.fromEntries(new FormData(form));
  const problem = form.querySelector("[data-problem]");
  try {
    await call("POST", "/api/v1/views", { body });
    window.location.reload();
  } catch (error) {
    if (!problem) return;
    problem.textContent = wordsOf(error);
    problem.hidden = false;
  }
}

/** @param {HTMLElement} button */
async function forgetView(button) {
  try {
    await call("DELETE", `/api/v1/views/${encodeURIComponent(button.dataset.forgetView ?? "")}`);
    button.closest(".view-line")?.remove();
  } catch (error) {
    message(wordsOf(error), { tone: "critical" });
  }
}

function start() {
  document.addEventListener("change", (event) => aimedAt(event, "form[data-submit-on-change]")?.requestSubmit());
  document.addEventListener("submit", (event) => {
    const form = aimedAt(event, "form[data-save-view]");
    if (!form) return;
    event.preventDefault();
    saveView(form);
  });
  document.addEventListener("click", (event) => {
    const button = aimedAt(event, "[data-forget-view]");
    if (button) forgetView(button);
  });
  markArriving();
  setInterval(markArriving, 1000);
  const list = document.querySelector("[data-keys-list]");
  // The first row is chosen but not focused: a list that nobody touches may move.
  if (list) selectRow(list, list.querySelector("[data-row]"), { focus: false });
}

start();
document.documentElement.dataset.pageReady = "true";
