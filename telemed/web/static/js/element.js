// Building elements without markup in strings: whatever comes from outside stays text.

const SVG = "http://www.w3.org/2000/svg";
const iconsUrl = new URL("../icons.svg", import.meta.url).href;

/** An element with attributes (`on...` functions are listeners, `null` and `false` are left out) and children. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** An icon of icons.svg. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${iconsUrl}#${name}`);
  svg.append(use);
  return svg;
}

/** Put another picture into an icon that is there already. */
export function changeIcon(svg, name) {
  const use = svg?.querySelector("use");
  const wanted = `${iconsUrl}#${name}`;
  if (use && use.getAttribute("href") !== wanted) use.setAttribute("href", wanted);
}

/** True where typing a letter writes a letter. */
export function takesText(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest("textarea, select, [contenteditable='true']")) return true;
  const input = target.closest("input");
  return Boolean(input) && !["checkbox", "radio", "button", "submit", "range", "file"].includes(input.type);
}
