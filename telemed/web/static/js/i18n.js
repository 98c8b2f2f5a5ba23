// Texts of the modules, in the reader's language. The page carries them as JSON; English is the ids themselves.

const carrier = document.getElementById("messages");
const texts = carrier ? JSON.parse(carrier.textContent || "{}") : {};

/**
 * @param {string} text
 * @param {Record<string, unknown>} values
 */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * The text for a message id, with {name} replaced by values.name.
 * @param {string} id
 * @param {Record<string, unknown>} values
 */
export function t(id, values = {}) {
  return fill(texts[id] ?? id, values);
}

/**
 * The text for a number; {n} is the number.
 * @param {string} one
 * @param {string} many
 * @param {number} n
 * @param {Record<string, unknown>} values
 */
export function tn(one, many, n, values = {}) {
  return fill(texts[one] ?? (n === 1 ? one : many), { n, ...values });
}
