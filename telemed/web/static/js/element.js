// Building elements without markup in strings: whatever comes from outside stays text.

const SVG = "http://www.w3.org/2000/svg";
const iconsUrl = new URL("../icons.svg", import.meta.url).href;

/**
 * An element with attributes (`on...` functions are listeners, `null` and `false` are left out) and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {(Node | string | null | undefined)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * The element that an event is about, or the nearest around it, that fits a selector; else null.
 * @template {string} Selector
 * @param {Event} event
 * @param {Selector} selector
 */
export function aimedAt(event, selector) {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

/**
 * The element that the markup of a page always has. Throws where it has none.
 * @template {string} Selector
 * @param {ParentNode} root
 * @param {Selector} selector
 * @returns {Found<Selector>}
 */
export function need(root, selector) {
  const found = root.querySelector(selector);
  if (found === null) throw new Error(`The page has no ${selector}.`);
  return found;
}

/**
 * What draws on a canvas; every browser that runs modules has it.
 * @param {HTMLCanvasElement} canvas
 */
export function contextOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/**
 * What a person is told of an error.
 * @param {unknown} error
 */
export function wordsOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * An icon of icons.svg.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${iconsUrl}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Put another picture into an icon that is there already.
 * @param {Element | null | undefined} svg
 * @param {string} name
 */
export function changeIcon(svg, name) {
  const use = svg?.querySelector("use");
  const wanted = `${iconsUrl}#${name}`;
  if (use && use.getAttribute("href") !== wanted) use.setAttribute("href", wanted);
}

/**
 * True where typing a letter writes a letter.
 * @param {EventTarget | null} target
 */
export function takesText(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest("textarea, select, [contenteditable='true']")) return true;
  const input = target.closest("input");
  return input !== null && !["checkbox", "radio", "button", "submit", "range", "file"].includes(input.type);
}
