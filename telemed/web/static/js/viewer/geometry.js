// Where a slice lies in the patient, and how an image lies on the screen. Patient coordinates are LPS in mm (PS3.3 C.7.6.2).

/**
 * How an image lies in a pane: sizes in CSS pixels and image pixels, rotation in degrees.
 * @typedef {object} ImageView
 * @property {number} width
 * @property {number} height
 * @property {number} columns
 * @property {number} rows
 * @property {number} aspect height of a pixel to its width
 * @property {number} zoom
 * @property {number} panX
 * @property {number} panY
 * @property {number} rotation
 * @property {boolean} flipped
 */

const PARALLEL = 0.95; // cosine from which two planes count as parallel (about 18 degrees)

/**
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
/**
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

/**
 * The normal of Image Orientation (Patient), or null.
 * @param {number[] | null | undefined} orientation
 */
export function normalOf(orientation) {
  return orientation ? cross(orientation.slice(0, 3), orientation.slice(3, 6)) : null;
}

/**
 * 1 or -1 where two normals are parallel, 0 where they are not.
 * @param {number[] | null} a
 * @param {number[] | null} b
 */
export function sameWay(a, b) {
  if (!a || !b) return 0;
  const cosine = dot(a, b);
  return Math.abs(cosine) < PARALLEL ? 0 : Math.sign(cosine);
}

/**
 * The letters of the side of the patient that a direction points to: at most two, the greater part first.
 * @param {number[]} direction
 */
export function sideLetters(direction) {
  const sides = [
    ["L", "R"],
    ["P", "A"],
    ["H", "F"],
  ];
  return direction
    .map((part, axis) => ({ size: Math.abs(part), letter: sides[axis][part > 0 ? 0 : 1] }))
    .filter(({ size }) => size > 0.25) // below about 15 degrees the second letter says nothing
    .sort((a, b) => b.size - a.size)
    .slice(0, 2)
    .map(({ letter }) => letter)
    .join("");
}

/**
 * Letters at the edges of the screen, {top, right, bottom, left}, for an image turned by `rotation` degrees and maybe flipped.
 * @param {number[] | null} orientation
 * @param {number} rotation
 * @param {boolean} flipped
 */
export function edgeLetters(orientation, rotation, flipped) {
  if (!orientation) return null;
  const row = orientation.slice(0, 3);
  const column = orientation.slice(3, 6);
  const angle = (-rotation * Math.PI) / 180;
  /** @type {(x: number, y: number) => string} */
  const towards = (x, y) => {
    const u = (x * Math.cos(angle) - y * Math.sin(angle)) * (flipped ? -1 : 1);
    const v = x * Math.sin(angle) + y * Math.cos(angle);
    return sideLetters([0, 1, 2].map((axis) => u * row[axis] + v * column[axis]));
  };
  return { right: towards(1, 0), left: towards(-1, 0), bottom: towards(0, 1), top: towards(0, -1) };
}

/**
 * CSS pixels that an image pixel takes across, where the whole image just fits into its pane.
 * @param {Pick<ImageView, "width" | "height" | "columns" | "rows" | "aspect" | "rotation">} view
 */
export function fitScale({ width, height, columns, rows, aspect, rotation }) {
  const turned = rotation % 180 !== 0;
  const tall = rows * aspect;
  return Math.min(width / (turned ? tall : columns), height / (turned ? columns : tall));
}

/**
 * From image pixels (column, row; corner of the first pixel is 0, 0) to CSS pixels of a pane.
 * @param {ImageView} view
 */
export function imageToScreen({ width, height, columns, rows, aspect, zoom, panX, panY, rotation, flipped }) {
  const scale = fitScale({ width, height, columns, rows, aspect, rotation }) * zoom;
  return new DOMMatrix()
    .translate(width / 2 + panX, height / 2 + panY)
    .rotate(rotation)
    .scale(flipped ? -scale : scale, scale * aspect)
    .translate(-columns / 2, -rows / 2);
}
