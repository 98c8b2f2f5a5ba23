// Texts of the modules, in the reader's language. The page carries them as JSON; English is the ids themselves.

const carrier = document.getElementById("messages");
const texts = carrier ? JSON.parse(carrier.textContent || "{}") : {};

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The text for a message id, with {name} replaced by values.name. */
export function t(id, values = {}) {
  return fill(texts[id] ?? id, values);
}

/** The text for a number; {n} is the number. */
export function tn(one, many, n, values = {}) {
  return fill(texts[one] ?? (n === 1 ? one : many), { n, ...values });
}
