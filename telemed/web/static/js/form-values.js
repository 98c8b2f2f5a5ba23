// What a form holds, as the API takes it: controls named sections.findings, result, ... whose dotted names make the JSON.

/**
 * Every control has a name, a value and a type, of which an input has the most.
 * @param {HTMLFormElement} form
 */
function controlsOf(form) {
  return /** @type {HTMLInputElement[]} */ ([...form.elements]).filter(
    (control) => control.name && !control.disabled && control.type !== "password" && control.type !== "file",
  );
}

/**
 * The value of a control on top of what other controls of its name have given: text, bool, number, null or list.
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} control
 * @param {FormValues[string] | undefined} before
 * @returns {FormValues[string]}
 */
function readControl(form, control, before) {
  if (control.type === "radio") return control.checked ? control.value : (before ?? "");
  if (control.type === "number") return control.value === "" ? null : Number(control.value);
  if (control.type !== "checkbox") return control.value;
  const group = form.querySelectorAll(`input[type=checkbox][name="${CSS.escape(control.name)}"]`);
  if (group.length === 1 && control.value === "true") return control.checked;
  return [...(Array.isArray(before) ? before : []), ...(control.checked ? [control.value] : [])];
}

/**
 * The values of a form as {name: text | bool | number | null | list}.
 * @param {HTMLFormElement} form
 */
export function readForm(form) {
  /** @type {FormValues} */
  const values = {};
  for (const control of controlsOf(form)) values[control.name] = readControl(form, control, values[control.name]);
  return values;
}

/**
 * Put values as readForm gives them into a form; names that are not in `values` stay.
 * @param {HTMLFormElement} form
 * @param {FormValues} values
 */
export function writeForm(form, values) {
  for (const control of controlsOf(form)) {
    if (!(control.name in values)) continue;
    const value = values[control.name];
    if (control.type === "radio") control.checked = control.value === value;
    else if (control.type === "checkbox") control.checked = Array.isArray(value) ? value.includes(control.value) : value === true;
    else if (control.value !== String(value ?? "")) control.value = String(value ?? "");
  }
}

/**
 * {"sections.findings": "x"} -> {sections: {findings: "x"}}
 * @param {FormValues} values
 * @returns {any}
 */
export function nest(values) {
  /** @type {any} */
  const root = {};
  for (const [name, value] of Object.entries(values)) {
    const path = name.split(".");
    const last = path.pop() ?? "";
    let place = root;
    for (const part of path) place = place[part] ??= {};
    place[last] = value;
  }
  return root;
}
