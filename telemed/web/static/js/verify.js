// Compares a PDF with the digest on the page, in this browser alone: nothing is uploaded.

import { t } from "./i18n.js";

const MAX_BYTES = 64 * 1024 * 1024;

/** @param {File} file */
async function digestOf(file) {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {string} text
 * @param {string} tone
 */
function answer(text, tone) {
  const place = document.querySelector("[data-compare-answer]");
  if (!place) return;
  place.hidden = false;
  place.className = `notice tone-${tone}`;
  place.textContent = text;
}

/** @param {File | undefined} file */
async function compare(file) {
  if (!file) return;
  if (!crypto.subtle) return answer(t("This browser compares files on secure (https) pages only."), "near");
  if (file.size > MAX_BYTES) return answer(t("This file is too large to be a report of ours."), "critical");
  const issued = document.querySelector("[data-digest]")?.textContent.trim();
  const same = (await digestOf(file)) === issued;
  return same
    ? answer(t("{name} is the file that was issued, unchanged.", { name: file.name }), "done")
    : answer(t("{name} is not the file that was issued: it was changed, or it is another version.", { name: file.name }), "critical");
}

const input = document.querySelector("input[data-compare-file]");
input?.addEventListener("change", () => compare(input.files?.[0]));
for (const name of ["dragover", "dragenter"]) document.addEventListener(name, (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  compare(event.dataTransfer?.files[0]);
});
