// Deadline clocks. <time data-due="ISO" data-total="seconds"><svg class="icon"><span data-clock-text></time>
// count down every second by the server's time, turn amber when a quarter is left, and red and upward when late.

import { changeIcon } from "./element.js";
import { t } from "./i18n.js";

/** @typedef {"calm" | "near" | "late"} Tone */

const NEAR = 0.25; // part of the whole time at which a clock turns amber
const HOUR = 3600;
const DAY = 24 * HOUR;

const sentAt = Date.parse(document.documentElement.dataset.serverTime ?? "");
const offset = Number.isNaN(sentAt) ? 0 : sentAt - Date.now();

/** The server's time, in ms since 1970. */
export function serverNow() {
  return Date.now() + offset;
}

/**
 * `10:32:05` in the zone of the pages, wherever the browser thinks it is.
 * @param {Date} moment
 */
export function showTime(moment) {
  return moment.toLocaleTimeString("en-GB", { timeZone: document.documentElement.dataset.timeZone });
}

/**
 * `0:07:21`, `1:32:10`, `2d 03:10`: seconds stand where they can matter, so minutes are never taken for hours.
 * @param {number} seconds
 */
export function showDuration(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  /** @param {number} number */
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor((whole % DAY) / HOUR);
  const minutes = two(Math.floor((whole % HOUR) / 60));
  if (whole >= DAY) return t("{days}d {time}", { days: Math.floor(whole / DAY), time: `${two(hours)}:${minutes}` });
  return `${hours}:${minutes}:${two(whole % 60)}`;
}

/**
 * How a clock stands: `calm`, `near` or `late`.
 * @param {number} left
 * @param {number} total
 * @returns {Tone}
 */
export function clockTone(left, total) {
  if (left < 0) return "late";
  return total > 0 && left <= total * NEAR ? "near" : "calm";
}

/**
 * @param {HTMLElement} clock
 * @param {number} now
 */
function draw(clock, now) {
  const left = (Date.parse(clock.dataset.due ?? "") - now) / 1000;
  if (Number.isNaN(left)) return;
  const tone = clockTone(left, Number(clock.dataset.total));
  const time = showDuration(tone === "late" ? left : Math.ceil(left));
  /** @type {Record<Tone, string>} */
  const words = { calm: time, near: t("only {time}", { time }), late: t("late {time}", { time }) };
  const text = clock.querySelector("[data-clock-text]");
  if (text && text.textContent !== words[tone]) text.textContent = words[tone];
  if (clock.dataset.tone === tone) return;
  clock.dataset.tone = tone;
  clock.classList.toggle("clock-near", tone === "near");
  clock.classList.toggle("clock-late", tone === "late");
  changeIcon(clock.querySelector("svg"), { calm: "clock", near: "clock-exclamation", late: "alert-octagon" }[tone]);
}

/** Draw every clock now: a part of a page that was drawn again must not show another text for a moment. */
export function drawAll() {
  const now = serverNow();
  for (const clock of document.querySelectorAll("[data-due]")) draw(clock, now);
}

export function start() {
  const tick = () => {
    drawAll();
    setTimeout(tick, 1000 - (serverNow() % 1000));
  };
  tick();
  document.body.addEventListener("htmx:load", drawAll);
  document.addEventListener("visibilitychange", drawAll);
}
