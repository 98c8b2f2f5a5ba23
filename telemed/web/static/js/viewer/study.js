// A study as the viewer sees it: series of slices in the order in which one scrolls.

import { item, number, numbers, ofFrame, text, values } from "./dataset.js";
import { dot, normalOf, sameWay } from "./geometry.js";
import { kindOf } from "./object-kinds.js";

/** @import { Dataset } from "./dataset.js" */
/** @import { ObjectKind } from "./object-kinds.js" */

/**
 * @typedef {object} Study
 * @property {string} uid
 * @property {string} url
 * @property {Series[]} series those with images
 * @property {ObjectGroup[]} groups what else it holds
 * @property {string} date ISO
 * @property {string} accession
 * @property {string} description
 */

const METADATA_AT_ONCE = 3;
const GREY = ["MONOCHROME1", "MONOCHROME2"];

/** One stored object that has pixels. */
export class Instance {
  /**
   * @param {Dataset} dataset
   * @param {string} seriesUrl
   */
  constructor(dataset, seriesUrl) {
    this.dataset = dataset;
    this.uid = text(dataset, "00080018");
    this.url = `${seriesUrl}/instances/${this.uid}`;
    this.number = number(dataset, "00200013") ?? 0;
    this.rows = number(dataset, "00280010") ?? 0;
    this.columns = number(dataset, "00280011") ?? 0;
    this.frames = Math.max(1, number(dataset, "00280008") ?? 1);
    this.modality = text(dataset, "00080060");
    this.photometric = text(dataset, "00280004");
    this.bitsAllocated = number(dataset, "00280100") ?? 16;
    this.bitsStored = number(dataset, "00280101") ?? this.bitsAllocated;
    this.highBit = number(dataset, "00280102") ?? this.bitsStored - 1;
    this.signed = number(dataset, "00280103") === 1;
    this.samples = number(dataset, "00280002") ?? 1;
    this.rawRefused = false; // the server could not give raw values of this one
  }

  /** Grey of 8 or 16 bits without a modality table: the raw values are worth having; all else the server renders. */
  get isRaw() {
    return (
      !this.rawRefused &&
      this.isGrey &&
      [8, 16].includes(this.bitsAllocated) &&
      this.highBit < this.bitsAllocated &&
      this.bitsStored <= this.highBit + 1 &&
      !item(this.dataset, "00283000")
    );
  }

  get isGrey() {
    return this.samples === 1 && GREY.includes(this.photometric);
  }
}

/** One picture to scroll to: a frame of an instance, with its place in the patient. */
export class Slice {
  /**
   * @param {Instance} instance
   * @param {number} frame
   */
  constructor(instance, frame) {
    this.instance = instance;
    this.frame = frame;
    this.key = `${instance.uid}/${frame}`;
    const { dataset } = instance;
    /** @type {(group: string, tag: string, least: number) => number[] | null} */
    const place = (group, tag, least) => numbers(ofFrame(dataset, frame, group, tag), tag, least);
    this.orientation = place("00209116", "00200037", 6);
    this.origin = place("00209113", "00200032", 3);
    this.thickness = place("00289110", "00180050", 1)?.[0] ?? null;
    this.slope = place("00289145", "00281053", 1)?.[0] ?? 1;
    this.intercept = place("00289145", "00281052", 1)?.[0] ?? 0;
    this.center = place("00289132", "00281050", 1)?.[0] ?? null;
    this.width = place("00289132", "00281051", 1)?.[0] ?? null;
    this.shape = text(ofFrame(dataset, frame, "00289132", "00281056"), "00281056") || "LINEAR";
    /** In mm along the normal of the series. @type {number | null} */
    this.position = null;
    /** Between rows and between columns, in mm. @type {number[] | null} */
    this.spacing = null;
    this.atDetector = false;
    /** Height of a pixel to its width. */
    this.aspect = 1;
    this.setSpacing(place("00289110", "00280030", 2));
  }

  /**
   * Spacing between rows and columns in mm. A projection's own spacing is that at the detector (PS3.3 C.8.7.5 and 10.7).
   * @param {number[] | null} spacing
   */
  setSpacing(spacing) {
    const detector = numbers(this.instance.dataset, "00181164", 2);
    this.spacing = spacing ?? detector ?? ultrasoundSpacing(this.instance.dataset);
    this.atDetector = !spacing && Boolean(detector);
    if (this.spacing?.some((part) => !(part > 0))) this.spacing = null;
    const ratio = numbers(this.instance.dataset, "00280034", 2);
    this.aspect = this.spacing ? this.spacing[0] / this.spacing[1] : ratio && ratio[1] > 0 && ratio[0] > 0 ? ratio[0] / ratio[1] : 1;
  }
}

/**
 * Spacing of the one calibrated 2D region of an ultrasound image (PS3.3 C.8.5.5), or null where there are several.
 * @param {Dataset} dataset
 */
function ultrasoundSpacing(dataset) {
  const regions = values(dataset, "00186011").filter(
    (region) => number(region, "00186012") === 1 && number(region, "00186024") === 3 && number(region, "00186026") === 3,
  );
  if (regions.length !== 1) return null;
  const x = number(regions[0], "0018602C"); // cm per pixel
  const y = number(regions[0], "0018602E");
  return x && y ? [Math.abs(y) * 10, Math.abs(x) * 10] : null;
}

/** @param {Slice} slice */
const placeOf = (slice) => slice.position ?? 0;

/**
 * Order along the normal where every slice has a place of its own and all are parallel; else by instance number and frame.
 * @param {Slice[]} slices
 */
export function inOrder(slices) {
  const normal = normalOf(slices[0]?.orientation);
  const placed = Boolean(normal) && slices.every((slice) => slice.origin && sameWay(normal, normalOf(slice.orientation)) === 1);
  for (const slice of slices) if (placed && normal && slice.origin) slice.position = dot(slice.origin, normal);
  slices.sort((a, b) => a.instance.number - b.instance.number || a.frame - b.frame);
  // Several pictures at one place are phases or echoes: their numbers keep them apart, their place does not.
  const apart = new Set(slices.map((slice) => slice.position?.toFixed(2))).size === slices.length;
  if (placed && apart && slices.length > 1) {
    const sign = placeOf(slices[0]) > placeOf(slices[slices.length - 1]) ? -1 : 1; // people scroll the way the numbers run
    slices.sort((a, b) => sign * (placeOf(a) - placeOf(b)));
  }
  return { slices, normal: placed ? normal : null };
}

export class Series {
  /**
   * @param {Study} study
   * @param {Dataset} dataset
   * @param {string} url
   */
  constructor(study, dataset, url) {
    this.study = study;
    this.url = url;
    this.uid = text(dataset, "0020000E");
    this.number = number(dataset, "00200011");
    this.modality = text(dataset, "00080060");
    this.description = text(dataset, "0008103E");
    /** @type {Slice[]} */
    this.slices = [];
    /** @type {number[] | null} */
    this.normal = null;
    this.frameOfReference = "";
    this.patient = "";
    /** What the series holds besides pictures. @type {ObjectGroup[]} */
    this.groups = [];
  }

  /** @param {AbortSignal} [signal] */
  async load(signal) {
    /** @type {Dataset[]} */
    const list = await getJson(`${this.url}/metadata`, signal);
    const pictures = list.filter((dataset) => kindOf(dataset) === "picture");
    const instances = pictures.map((dataset) => new Instance(dataset, this.url));
    const slices = instances.flatMap((instance) => Array.from({ length: instance.frames }, (_, index) => new Slice(instance, index + 1)));
    Object.assign(this, inOrder(slices));
    this.groups = groupsOf(this, list);
    this.frameOfReference = text(instances[0]?.dataset, "00200052");
    this.patient = text(instances[0]?.dataset, "00100010");
    return this;
  }
}

/** One stored object that is no picture. */
export class StoredObject {
  /**
   * @param {Dataset} dataset
   * @param {string} seriesUrl
   */
  constructor(dataset, seriesUrl) {
    this.dataset = dataset;
    this.kind = kindOf(dataset);
    this.uid = text(dataset, "00080018");
    this.url = `${seriesUrl}/instances/${this.uid}`;
    this.number = number(dataset, "00200013") ?? 0;
    this.label = text(dataset, "00420010") || text(item(dataset, "0040A043"), "00080104") || text(dataset, "00700080");
  }
}

/** The objects of one kind of a series. */
export class ObjectGroup {
  /**
   * @param {Series} series
   * @param {ObjectKind} kind
   * @param {StoredObject[]} objects
   */
  constructor(series, kind, objects) {
    this.study = series.study;
    this.kind = kind;
    this.objects = objects;
    this.uid = `${series.uid}/${kind}`;
    this.number = series.number;
    this.modality = series.modality;
    this.description = series.description;
  }
}

/**
 * What a series holds besides pictures, by kind, in the order of instance numbers.
 * @param {Series} series
 * @param {Dataset[]} list
 */
function groupsOf(series, list) {
  const objects = list.map((dataset) => new StoredObject(dataset, series.url)).filter((object) => object.kind !== "picture");
  objects.sort((a, b) => a.number - b.number);
  const kinds = [...new Set(objects.map((object) => object.kind))];
  return kinds.map(
    (kind) =>
      new ObjectGroup(
        series,
        kind,
        objects.filter((object) => object.kind === kind),
      ),
  );
}

/**
 * All that a study lists: series of pictures and what else it holds, in the order of their numbers.
 * @param {Study} study
 * @returns {(Series | ObjectGroup)[]}
 */
export function entriesOf(study) {
  return [...study.series, ...study.groups].sort((a, b) => (a.number ?? Infinity) - (b.number ?? Infinity) || 0);
}

/**
 * GET as DICOM JSON. 204 is an empty list.
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function getJson(url, signal) {
  const response = await fetch(url, { headers: { Accept: "application/dicom+json" }, credentials: "same-origin", signal });
  if (response.status === 204) return [];
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
  return response.json();
}

/**
 * The series of a study that have images, with their slices, in the order of their numbers, and what else it holds.
 * @param {string} base
 * @param {string} uid
 * @param {AbortSignal} [signal]
 */
export async function loadStudy(base, uid, signal) {
  const url = `${base}/studies/${uid}`;
  /** @type {Study} */
  const study = { uid, url, series: [], groups: [], date: "", accession: "", description: "" };
  /** @type {Dataset[]} */
  const found = await getJson(`${url}/series?includefield=0008103E`, signal);
  const all = found.map((dataset) => new Series(study, dataset, `${url}/series/${text(dataset, "0020000E")}`));
  all.sort((a, b) => (a.number ?? Infinity) - (b.number ?? Infinity));
  const waiting = [...all];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await next.load(signal);
  };
  await Promise.all(Array.from({ length: METADATA_AT_ONCE }, work));
  study.series = all.filter((series) => series.slices.length);
  study.groups = all.flatMap((series) => series.groups);
  const dataset = study.series[0]?.slices[0]?.instance.dataset ?? study.groups[0]?.objects[0]?.dataset;
  study.date = text(dataset, "00080020").replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");
  study.accession = text(dataset, "00080050");
  study.description = text(dataset, "00081030");
  return study;
}

/**
 * Bring what arrived since into a study that is open. Gives the entries that are new.
 * @param {Study} known
 * @param {Study} fresh
 */
export function mergeStudy(known, fresh) {
  /** @type {(Series | ObjectGroup)[]} */
  const added = [];
  for (const series of fresh.series) {
    const before = known.series.find((each) => each.uid === series.uid);
    if (before) Object.assign(before, { slices: series.slices, normal: series.normal });
    else {
      series.study = known;
      added.push(series);
    }
  }
  known.series.push(...fresh.series.filter((series) => added.includes(series)));
  for (const group of fresh.groups) {
    const before = known.groups.find((each) => each.uid === group.uid);
    if (before) before.objects = group.objects;
    else {
      group.study = known;
      known.groups.push(group);
      added.push(group);
    }
  }
  known.date ||= fresh.date;
  known.accession ||= fresh.accession;
  known.description ||= fresh.description;
  return added;
}
