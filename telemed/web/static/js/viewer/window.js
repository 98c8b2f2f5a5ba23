// Grey windows: centre and width in the units after rescale, and the tables that turn stored values into grey.

import { t } from "../i18n.js";

/** @typedef {{center: number, width: number, shape?: string}} GreyWindow */
/** @typedef {{bitsAllocated: number, bitsStored: number, highBit: number, signed: boolean, slope: number, intercept: number}} PixelFormat */

/** Presets for CT, in HU. Practice: the values that most workstations come with. Keys 2 to 6; key 1 is the image's own. */
export const CT_PRESETS = [
  { key: "2", label: t("Brain"), center: 40, width: 80 },
  { key: "3", label: t("Subdural"), center: 75, width: 215 },
  { key: "4", label: t("Bone"), center: 480, width: 2500 },
  { key: "5", label: t("Lung"), center: -600, width: 1500 },
  { key: "6", label: t("Abdomen"), center: 40, width: 400 },
];

/**
 * Part of black (0) to white (1) for a value; the functions of PS3.3 C.11.2.1.2 and C.11.2.1.3.
 * @param {number} value
 * @param {number} center
 * @param {number} width
 * @param {string} shape
 */
export function grey(value, center, width, shape = "LINEAR") {
  if (shape === "SIGMOID") return 1 / (1 + Math.exp((-4 * (value - center)) / width));
  if (shape === "LINEAR_EXACT") return Math.min(1, Math.max(0, (value - center) / width + 0.5));
  if (width <= 1) return value <= center - 0.5 ? 0 : 1;
  return Math.min(1, Math.max(0, (value - (center - 0.5)) / (width - 1) + 0.5));
}

/**
 * The value behind stored bits: bits above High Bit cut off, sign extended (PS3.5 section 8.1.1).
 * @param {number} bits
 * @param {{bitsStored: number, highBit: number, signed: boolean}} format
 */
export function storedValue(bits, { bitsStored, highBit, signed }) {
  const value = (bits >>> (highBit + 1 - bitsStored)) & (2 ** bitsStored - 1);
  return signed && value >= 2 ** (bitsStored - 1) ? value - 2 ** bitsStored : value;
}

/**
 * Stored bits -> value after rescale, for all 2^bitsAllocated of them.
 * @param {PixelFormat} format
 */
export function valueTable(format) {
  const table = new Float32Array(2 ** format.bitsAllocated);
  for (let bits = 0; bits < table.length; bits += 1) table[bits] = storedValue(bits, format) * format.slope + format.intercept;
  return table;
}

/**
 * Stored bits -> opaque pixel as canvas keeps it (ABGR in a little-endian word).
 * @param {Float32Array} valuesOfBits
 * @param {GreyWindow} window
 * @param {boolean} inverted
 */
export function pixelTable(valuesOfBits, { center, width, shape = "LINEAR" }, inverted) {
  const table = new Uint32Array(valuesOfBits.length);
  const steep = shape === "LINEAR" && width > 1;
  const scale = steep ? 255 / (width - 1) : 0;
  const offset = steep ? 127.5 - (center - 0.5) * scale : 0;
  for (let bits = 0; bits < table.length; bits += 1) {
    let level = steep ? valuesOfBits[bits] * scale + offset : grey(valuesOfBits[bits], center, width, shape) * 255;
    level = level < 0 ? 0 : level > 255 ? 255 : Math.round(level);
    if (inverted) level = 255 - level;
    table[bits] = 0xff000000 | (level << 16) | (level << 8) | level;
  }
  return table;
}

/**
 * A window over the 1st to 99th percentile of the image: for images that come without one.
 * @param {Uint8Array | Uint16Array} pixels
 * @param {Float32Array} valuesOfBits
 * @returns {GreyWindow}
 */
export function windowFromPixels(pixels, valuesOfBits) {
  const step = Math.max(1, Math.floor(pixels.length / 20_000));
  const sample = [];
  for (let index = 0; index < pixels.length; index += step) sample.push(valuesOfBits[pixels[index]]);
  sample.sort((a, b) => a - b);
  const low = sample[Math.floor(sample.length * 0.01)] ?? 0;
  const high = sample[Math.floor(sample.length * 0.99)] ?? 1;
  return { center: (low + high) / 2, width: Math.max(1, high - low) };
}
