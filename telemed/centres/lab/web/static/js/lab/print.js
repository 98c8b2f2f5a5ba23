// Buttons that print the page.
//
//   <button data-print>

import { aimedAt } from "../element.js";

document.addEventListener("click", (event) => {
  if (aimedAt(event, "[data-print]")) window.print();
});
