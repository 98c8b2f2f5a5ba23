// Menus made of <details class="menu">: a press elsewhere, Escape or another menu closes them. Forms that were sent
// say so, and are not sent twice.

import { aimedAt } from "./element.js";

export function start() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!(event.target instanceof Node && menu.contains(event.target))) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
  document.addEventListener("submit", (event) => {
    const form = aimedAt(event, "form[data-busy-on-submit]");
    if (!form) return;
    const button = form.querySelector("[type=submit]");
    if (button?.getAttribute("aria-busy") === "true") event.preventDefault();
    button?.setAttribute("aria-busy", "true");
  });
  // A page that comes back from the browser's own memory is not busy any more.
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });
}
