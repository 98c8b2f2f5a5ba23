// Files: dropped anywhere on the page, one bar each, resumable (tus 1.0). Loaded by the pages that take files.
//
//   <section data-upload="/api/v1/uploads" data-case="ID" data-max-bytes="...">    an empty ID: see useCase
//     <input type="file" multiple data-upload-input>  <ul class="files" data-upload-list>  <p data-upload-unfinished>
// Each upload carries the metadata case, filename, relativePath, filetype. A folder may be dropped whole.
// When a file is with the server the section gets the event `telemed:uploaded` {name, url}.

import "../vendor/tus-js-client-4.2.3/tus.min.js";
import { filesOf } from "./dropped-files.js";
import { el, icon, need } from "./element.js";
import { t, tn } from "./i18n.js";
import { message } from "./message.js";

/** @import { DetailedError, Upload } from "../vendor/tus-js-client-4.2.3/tus.min.js" */
/** @import { DroppedFile } from "./dropped-files.js" */

const AT_ONCE = 3; // uploads that run at a time; the others wait
const CHUNK = 16 * 1024 * 1024; // bytes in one request; a proxy's usual limit and time-out allow it
const RETRY = [0, 1000, 3000, 5000, 10_000, 20_000]; // ms

/** @param {number} bytes */
const size = (bytes) =>
  bytes < 1e6
    ? `${Math.max(1, Math.round(bytes / 1e3))} kB`
    : bytes < 1e9
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${(bytes / 1e9).toFixed(2)} GB`;

class FileUpload {
  /**
   * @param {UploadQueue} queue
   * @param {File} file
   * @param {string} path
   */
  constructor(queue, file, path) {
    this.queue = queue;
    this.file = file;
    this.path = path;
    /** @type {"waiting" | "running" | "done" | "failed" | "cancelled"} */
    this.state = "waiting";
    this.started = 0; // bytes that the server had when this page began
    this.startedAt = 0; // ms since 1970
    /** @type {Upload | undefined} */
    this.upload = undefined;
    this.bar = el("i");
    this.line = el(
      "div",
      {
        class: "progress-line",
        role: "progressbar",
        "aria-label": path,
        "aria-valuemin": "0",
        "aria-valuemax": "100",
        "aria-valuenow": "0",
      },
      this.bar,
    );
    this.words = el("span", { class: "muted" }, t("waits"));
    this.actions = el("span", { class: "file-actions" });
    this.row = el(
      "li",
      {},
      el("span", { class: "file-name", title: path }, path),
      el("span", { class: "muted number" }, size(file.size)),
      this.line,
      el("span", {}, this.words, this.actions),
    );
    this.offer("cancel");
  }

  begin() {
    const { endpoint, caseId } = this.queue;
    this.state = "running";
    const upload = new tus.Upload(this.file, {
      endpoint,
      chunkSize: CHUNK,
      retryDelays: RETRY,
      removeFingerprintOnSuccess: true,
      metadata: { case: caseId, filename: this.file.name, relativePath: this.path, filetype: this.file.type || "application/octet-stream" },
      // The case is part of it: the same file for another case is another upload.
      fingerprint: async () => ["telemed", endpoint, caseId, this.path, this.file.size, this.file.lastModified].join("|"),
      onProgress: (sent, total) => this.progress(sent, total),
      onShouldRetry: (error) => {
        this.say(t("line lost, trying again…"), "near");
        return retryable(error);
      },
      onSuccess: ({ lastResponse }) => {
        this.finish();
        this.sayLeftOut(lastResponse);
      },
      onError: (error) => this.fail(error),
    });
    this.upload = upload;
    upload.findPreviousUploads().then((found) => {
      if (this.state !== "running") return;
      if (found.length) upload.resumeFromPreviousUpload(found[0]);
      upload.start();
    });
    this.offer("cancel");
  }

  /**
   * @param {number} sent
   * @param {number} total
   */
  progress(sent, total) {
    if (!this.startedAt) Object.assign(this, { startedAt: Date.now(), started: sent });
    const percent = total ? Math.floor((sent / total) * 100) : 100;
    this.bar.style.width = `${percent}%`;
    this.line.setAttribute("aria-valuenow", String(percent));
    const seconds = (Date.now() - this.startedAt) / 1000;
    const rate = seconds > 1 ? (sent - this.started) / seconds : 0;
    this.say(rate > 0 ? `${percent} % · ${size(rate)}/s` : `${percent} %`);
  }

  finish() {
    this.state = "done";
    this.bar.style.width = "100%";
    this.line.setAttribute("aria-valuenow", "100");
    this.words.replaceChildren(el("span", { class: "state tone-done" }, icon("check"), t("received")));
    this.actions.replaceChildren();
    this.queue.finished(this);
  }

  /**
   * Of an archive: how many files were taken, and which were left out and why.
   * @param {import("../vendor/tus-js-client-4.2.3/tus.min.js").HttpResponse} answer
   */
  sayLeftOut(answer) {
    const taken = Number(answer.getHeader("Upload-Files"));
    if (!taken) return;
    const [, count, listed] = /^(\d+) (.*)$/.exec(answer.getHeader("Upload-Left-Out") ?? "") ?? ["", "0", "[]"];
    this.words.append(" ", tn("{n} file", "{n} files", taken));
    if (!Number(count)) return;
    /** @type {{name: string, detail: string}[]} */
    const leftOut = JSON.parse(decodeURIComponent(listed));
    const more = Number(count) - leftOut.length;
    this.row.append(
      el(
        "details",
        { class: "left-out" },
        el("summary", {}, tn("{n} file of the archive was left out", "{n} files of the archive were left out", Number(count))),
        el(
          "ul",
          {},
          ...leftOut.map(({ name, detail }) => el("li", {}, el("b", {}, name), ` ${detail}`)),
          more > 0 ? el("li", {}, t("and {n} more", { n: more })) : null,
        ),
      ),
    );
  }

  /** @param {Error | DetailedError} error */
  fail(error) {
    this.state = "failed";
    const status = answerTo(error)?.getStatus();
    this.say(refusal(status, error), "critical");
    this.offer("retry", "cancel");
    this.queue.next();
  }

  cancel() {
    const running = this.state === "done" ? undefined : this.upload;
    this.state = "cancelled";
    // `true` also tells the server to forget what it has; without a line it will forget by itself.
    running?.abort(true).catch(() => {});
    this.row.remove();
    this.queue.next();
  }

  retry() {
    Object.assign(this, { state: "waiting", startedAt: 0 });
    this.say(t("waits"));
    this.offer("cancel");
    this.queue.next();
  }

  /** @param {("retry" | "cancel")[]} names */
  offer(...names) {
    const buttons = { retry: { picture: "reload", label: t("Try again") }, cancel: { picture: "x", label: t("Cancel") } };
    this.actions.replaceChildren(
      ...names.map((name) => {
        const { picture, label } = buttons[name];
        const attributes = { type: "button", class: "btn", title: label, "aria-label": `${label}: ${this.path}` };
        return el("button", { ...attributes, onclick: () => this[name]() }, icon(picture));
      }),
    );
  }

  /**
   * @param {string} text
   * @param {string} tone
   */
  say(text, tone = "") {
    this.words.className = tone ? `state tone-${tone}` : "muted";
    this.words.textContent = text;
  }
}

/**
 * What the server answered, if it did.
 * @param {Error | DetailedError} error
 */
const answerTo = (error) => ("originalResponse" in error ? error.originalResponse : null);

/**
 * @param {Error | DetailedError} error
 * @returns {{ type?: string, detail?: string }}
 */
function problemIn(error) {
  try {
    return JSON.parse(answerTo(error)?.getBody() ?? "") ?? {};
  } catch {
    return {}; // Not a problem document: the status must do.
  }
}

/** @param {Error | DetailedError} error */
function retryable(error) {
  const status = answerTo(error)?.getStatus() ?? 0;
  if (status === 409) return ["/problems/offset-mismatch", undefined].includes(problemIn(error).type); // others are the file's fault
  return status === 0 || status === 423 || status === 429 || status >= 500;
}

/**
 * @param {number | undefined} status
 * @param {Error | DetailedError} error
 */
function refusal(status, error) {
  const { detail } = problemIn(error);
  if (detail) return detail;
  if (!status) return t("no connection");
  if (status === 401) return t("signed out: sign in again");
  if (status === 413) return t("too large");
  if (status === 415) return t("this kind of file is not taken");
  return t("refused ({status})", { status });
}

export class UploadQueue {
  /** @param {HTMLElement} section */
  constructor(section) {
    this.section = section;
    this.endpoint = section.dataset.upload ?? "";
    this.caseId = section.dataset.case ?? "";
    this.limit = Number(section.dataset.maxBytes) || Infinity;
    this.list = need(section, "[data-upload-list]");
    /** @type {FileUpload[]} */
    this.uploads = [];
    /** @type {((value: unknown) => void) | undefined} */
    this.onIdle = undefined;
    const input = section.querySelector("input[data-upload-input]");
    input?.addEventListener("change", () => {
      this.add([...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
      input.value = "";
    });
    this.takeDrops();
    this.showUnfinished();
    window.addEventListener("beforeunload", (event) => {
      if (this.busy) event.preventDefault();
    });
  }

  get busy() {
    return this.waiting > 0;
  }

  /** How many files are on their way. */
  get waiting() {
    return this.uploads.filter((upload) => upload.state === "running" || upload.state === "waiting").length;
  }

  /** How many were refused or gave up. */
  get failed() {
    return this.uploads.filter((upload) => upload.state === "failed").length;
  }

  /** When nothing is on its way any more. */
  idle() {
    return new Promise((resolve) => {
      this.onIdle = resolve;
      this.next();
    });
  }

  /**
   * Files that were dropped before there was a case: the section gets `telemed:case-wanted`, and they go when it is named.
   * @param {string} caseId
   */
  useCase(caseId) {
    this.caseId = caseId;
    this.next();
    this.showUnfinished();
  }

  takeDrops() {
    /** @param {DragEvent} event */
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dropping");
    });
    document.addEventListener("drop", async (event) => {
      if (!event.dataTransfer || !carriesFiles(event)) return;
      event.preventDefault();
      document.body.classList.remove("dropping");
      const { files, cut } = await filesOf(event.dataTransfer);
      if (cut) message(t("Too many files at once: the first {n} are taken.", { n: files.length }), { tone: "critical" });
      this.add(files);
    });
  }

  /** @param {DroppedFile[]} files */
  add(files) {
    for (const { file, path } of files) {
      if (file.size === 0) message(t("{name} is empty and was left out.", { name: path }));
      else if (file.size > this.limit)
        message(t("{name} is larger than {limit}.", { name: path, limit: size(this.limit) }), { tone: "critical" });
      else if (!this.uploads.some((other) => other.path === path && other.file.size === file.size && other.state !== "cancelled")) {
        const upload = new FileUpload(this, file, path);
        this.uploads.push(upload);
        this.list.append(upload.row);
      }
    }
    this.next();
  }

  next() {
    if (!this.busy) {
      this.onIdle?.(undefined);
      return;
    }
    if (!this.caseId) {
      this.section.dispatchEvent(new CustomEvent("telemed:case-wanted", { bubbles: true }));
      return;
    }
    let running = this.uploads.filter((upload) => upload.state === "running").length;
    for (const upload of this.uploads) {
      if (running >= AT_ONCE) return;
      if (upload.state === "waiting") {
        upload.begin();
        running += 1;
      }
    }
  }

  /** @param {FileUpload} upload */
  finished(upload) {
    this.section.dispatchEvent(
      new CustomEvent("telemed:uploaded", { bubbles: true, detail: { name: upload.path, url: upload.upload?.url ?? "" } }),
    );
    this.showUnfinished();
    this.next();
  }

  /** Uploads that a closed page left behind: dropping the same file goes on where it stopped. */
  async showUnfinished() {
    const place = this.section.querySelector("[data-upload-unfinished]");
    if (!place) return;
    const all = await tus.defaultOptions.urlStorage.findAllUploads();
    const active = new Set(this.uploads.filter((upload) => upload.state !== "cancelled").map((upload) => upload.path));
    const names = all
      .flatMap(({ metadata }) => (metadata?.case === this.caseId ? [metadata.relativePath] : []))
      .filter((path) => !active.has(path));
    place.hidden = names.length === 0;
    place.textContent = names.length
      ? `${tn("One upload was not finished. Drop the file again to go on where it stopped:", "{n} uploads were not finished. Drop the files again to go on where they stopped:", names.length)} ${names.slice(0, 5).join(", ")}`
      : "";
  }
}

for (const section of document.querySelectorAll("[data-upload]")) section.queue = new UploadQueue(section);
