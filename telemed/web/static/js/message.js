// Short messages that lie over the page and move nothing.

import { el } from "./element.js";

const SECONDS_SHOWN = 8;

/**
 * Show a sentence; with `action` {label, run} also a button. Gives a function that takes it away.
 * @param {string} text
 * @param {{tone?: string, action?: {label: string, run: () => void} | null, seconds?: number}} options
 */
export function message(text, { tone = "", action = null, seconds = SECONDS_SHOWN } = {}) {
  const area = document.getElementById("message-area") ?? document.body;
  const box = el("div", { class: `message${tone ? ` message-${tone}` : ""}` }, el("span", {}, text));
  const remove = () => box.remove();
  if (action) {
    box.append(
      el(
        "button",
        {
          type: "button",
          onclick: () => {
            remove();
            action.run();
          },
        },
        action.label,
      ),
    );
  }
  area.append(box);
  let timer = setTimeout(remove, seconds * 1000);
  // A person who reaches for the button must not see it vanish.
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => {
    timer = setTimeout(remove, seconds * 1000);
  });
  return remove;
}
