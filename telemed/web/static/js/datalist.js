// Fields with proposals: people read labels, the request keeps codes.
//
//   <input list="proposals"> <datalist id="proposals"><option value="CODE" label="What people read"></datalist>

/**
 * The option that a text means, by its label or its code.
 * @param {HTMLInputElement} input
 */
export function optionOf(input) {
  const text = input.value.trim().toLowerCase();
  return text === ""
    ? null
    : [...(input.list?.options ?? [])].find((option) => option.value.toLowerCase() === text || option.label.toLowerCase() === text);
}

/**
 * Show the label wherever a code stands.
 * @param {HTMLFormElement} form
 */
export function showLabels(form) {
  for (const input of form.querySelectorAll("input[list]")) {
    const option = optionOf(input);
    if (option && input.value !== option.label) input.value = option.label;
  }
}
