// Painting paper and traces on a canvas. The context is in device pixels; `scale` is pixels to the millimetre.

import { contextOf } from "../element.js";

/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {[x: number, y: number]} Spot in pixels */

export const COLOURS = {
  paper: "#fffafa",
  fine: "#f9d5d5",
  bold: "#eba3a3",
  trace: "#101010",
  label: "#101010",
  earlier: "#1558a6",
  marker: "#1f5fbf",
  caliper: "#0b6e4f",
  march: "rgb(11 110 79 / 45%)",
};

const FINEST = 2.2; // pixels: closer lines than this are left out

/**
 * The grid over a rectangle in pixels whose top left corner is at `origin` on the sheet (pixels of the sheet).
 * @param {Context} context
 * @param {{x: number, y: number, width: number, height: number}} room
 * @param {{x: number, y: number}} origin
 * @param {number} scale
 */
export function grid(context, { x, y, width, height }, origin, scale) {
  context.fillStyle = COLOURS.paper;
  context.fillRect(x, y, width, height);
  context.lineWidth = 1;
  for (const { step, colour, skip } of [
    { step: 1, colour: COLOURS.fine, skip: 5 },
    { step: 5, colour: COLOURS.bold, skip: 0 },
  ]) {
    if (step * scale < FINEST) continue;
    context.strokeStyle = colour;
    /** @type {(from: number, length: number, draw: (at: number) => void) => void} */
    const lines = (from, length, draw) => {
      context.beginPath();
      for (let n = Math.ceil(from / (step * scale)); n * step * scale <= from + length; n += 1) {
        if (skip && n % skip === 0) continue;
        draw(Math.round(n * step * scale - from) + 0.5);
      }
      context.stroke();
    };
    lines(origin.x, width, (at) => {
      context.moveTo(x + at, y);
      context.lineTo(x + at, y + height);
    });
    lines(origin.y, height, (at) => {
      context.moveTo(x, y + at);
      context.lineTo(x + width, y + at);
    });
  }
}

/**
 * A connected line of points [x, y] in pixels.
 * @param {Context} context
 * @param {Spot[]} points
 * @param {string} colour
 * @param {number} width
 */
export function line(context, points, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  for (const [px, py] of points) context.lineTo(px, py); // the first one moves there: a path begins with a move
  context.stroke();
}

/**
 * A straight line between two points in pixels.
 * @param {Context} context
 * @param {Spot} from
 * @param {Spot} to
 * @param {string} colour
 * @param {number} width
 */
export function segment(context, from, to, colour, width) {
  line(context, [from, to], colour, width);
}

/**
 * Samples (microvolts) from `first` to `last` as a trace: `at(n)` gives x, `zero` and `perMicrovolt` y, in pixels. Where
 * many samples fall on one pixel, its lowest and highest are drawn; a gap breaks the line.
 * @param {Context} context
 * @param {Float32Array} samples
 * @param {number} first
 * @param {number} last
 * @param {(n: number) => number} at
 * @param {number} zero
 * @param {number} perMicrovolt
 * @param {string} colour
 * @param {number} width
 */
export function trace(context, samples, first, last, at, zero, perMicrovolt, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.beginPath();
  const dense = at(first + 4) - at(first) < 1;
  let down = false;
  /** What falls on one pixel. @type {{x: number, entry: number, low: number, high: number, exit: number} | null} */
  let column = null;
  const flush = () => {
    if (!column) return;
    const { x, entry, low, high, exit } = column;
    for (const value of [entry, low, high, exit]) {
      if (down) context.lineTo(x, zero - value * perMicrovolt);
      else context.moveTo(x, zero - value * perMicrovolt);
      down = true;
    }
    column = null;
  };
  for (let n = Math.max(0, first); n <= Math.min(last, samples.length - 1); n += 1) {
    const value = samples[n];
    if (Number.isNaN(value)) {
      flush();
      down = false;
      continue;
    }
    const x = at(n);
    if (!dense) {
      if (down) context.lineTo(x, zero - value * perMicrovolt);
      else context.moveTo(x, zero - value * perMicrovolt);
      down = true;
    } else if (column && Math.floor(x) === Math.floor(column.x)) {
      column.low = Math.min(column.low, value);
      column.high = Math.max(column.high, value);
      column.exit = value;
    } else {
      flush();
      column = { x, entry: value, low: value, high: value, exit: value };
    }
  }
  flush();
  context.stroke();
}

/**
 * A canvas that fills its element; gives {context, width, height, ratio} in device pixels after a resize.
 * @param {HTMLCanvasElement} canvas
 */
export function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  const size = { width: Math.max(1, Math.round(width * ratio)), height: Math.max(1, Math.round(height * ratio)), ratio };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, { width: size.width, height: size.height });
  return { context: contextOf(canvas), ...size };
}
