// What does not go together in a report, shown in the sheet in which it is signed.
//
//   <form data-contradictions="/api/v1/cases/ID/report/contradictions">
//     <div data-contradictions-place hidden> <ul data-contradictions-list></ul> <textarea name="reason" disabled></textarea>
//
// What is shown is acknowledged by signing: its codes go with the password. Where one of them stops a signature, the reason must be typed.

import { call } from "./api.js";
import { flushDrafts } from "./autosave.js";
import { el } from "./element.js";

/** @param {Contradiction[]} found */
export const needsReason = (found) => found.some((each) => each.severity === "stop");

/**
 * @param {HTMLFormElement} form
 * @param {Contradiction[]} found
 */
export function showContradictions(form, found) {
  const place = form.querySelector("[data-contradictions-place]");
  const list = place?.querySelector("[data-contradictions-list]");
  const reason = place?.querySelector("textarea[name=reason]");
  if (!place || !list || !reason) return;
  place.hidden = found.length === 0;
  reason.disabled = found.length === 0;
  reason.required = needsReason(found);
  list.replaceChildren(
    ...found.map((each) =>
      el(
        "li",
        { class: `contradiction-${each.severity}` },
        each.message,
        el("input", { type: "checkbox", name: "acknowledged", value: each.code, checked: true, hidden: true }),
      ),
    ),
  );
}

/**
 * Ask the server, which has every letter by then. Without an answer nothing is shown: the server asks again when it is signed.
 * @param {HTMLFormElement | null} form
 */
export async function askForContradictions(form) {
  if (!form) return;
  showContradictions(form, []);
  try {
    if (!(await flushDrafts())) return;
    const { data } = await call("GET", form.dataset.contradictions ?? "");
    showContradictions(form, data.items);
  } catch {
    // signing asks the same again, and says what is wrong with the line
  }
}
