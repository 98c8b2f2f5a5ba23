// Scans that wait to be answered. Each is kept until the server has said what it did, across reloads and without a network; the
// server does each once, by its id.

/** @typedef {{box?: string, condition?: string, reason?: string, courier?: string, seal?: string}} Hand */
/** @typedef {{id: string, code: string, at: string, hand?: Hand}} Scan */
/** @typedef {{id: string, code: string, step: string, said: string, tone: string, box: string, specimen: string, condition: string,
 *   reason: string, courier: string, undo: boolean, undone: boolean, more: string}} Scanned */

export const AT_ONCE = 25; // scans of one call
const FIRST_WAIT = 1000; // ms after a lost call
const LONGEST_WAIT = 15_000; // ms

/** Answers of the server after which the same scans would be refused again. */
const HOPELESS = new Set([400, 404, 413, 422]);

export class ScanQueue {
  /**
   * @param {{key: string, store: Pick<Storage, "getItem" | "setItem" | "removeItem">, send: (scans: Scan[]) => Promise<Scanned[]>,
   *   said: (scanned: Scanned) => void, waiting: (count: number, why: string) => void, later?: (run: () => void, ms: number) => unknown,
   *   status?: (error: unknown) => number}} options `status`: the HTTP status of an error, 0 where no answer came
   */
  constructor({ key, store, send, said, waiting, later = (run, ms) => setTimeout(run, ms), status = () => 0 }) {
    this.key = key;
    this.store = store;
    this.send = send;
    this.said = said;
    this.waiting = waiting;
    this.later = later;
    this.status = status;
    this.running = false;
    this.wait = 0;
    this.atOnce = AT_ONCE;
    /** @type {Scan[]} */
    this.scans = this.kept();
  }

  /** @returns {Scan[]} */
  kept() {
    try {
      const found = JSON.parse(this.store.getItem(this.key) ?? "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return [];
    }
  }

  keep() {
    if (this.scans.length) this.store.setItem(this.key, JSON.stringify(this.scans));
    else this.store.removeItem(this.key);
  }

  /** @param {Scan} scan */
  add(scan) {
    this.scans.push(scan);
    this.keep();
    void this.run();
  }

  /** Send what waits, oldest first, until nothing does or no answer comes. */
  async run() {
    if (this.running || !this.scans.length) return;
    this.running = true;
    try {
      while (this.scans.length) await this.sendSome();
      this.wait = 0;
      this.atOnce = AT_ONCE;
      this.waiting(0, "");
    } catch (error) {
      this.fail(error);
    } finally {
      this.running = false;
    }
  }

  async sendSome() {
    const some = this.scans.slice(0, this.atOnce);
    const answers = await this.send(some);
    const answered = new Set(answers.map((each) => each.id));
    if (!answered.size) throw new Error("no answer");
    this.scans = this.scans.filter((each) => !answered.has(each.id));
    this.keep();
    for (const each of answers) this.said(each);
  }

  /**
   * One of the scans can never be taken: look for it one by one, and let go of that one alone.
   * @param {string} words
   */
  giveUp(words) {
    if (this.atOnce > 1) {
      this.atOnce = 1;
      return;
    }
    const [scan] = this.scans.splice(0, 1);
    this.keep();
    const nothing = { box: "", specimen: "", condition: "good", reason: "", courier: "", undo: false, undone: false };
    this.said({ ...nothing, id: scan.id, code: scan.code, step: "refused", said: words, tone: "critical", more: "" });
    this.waiting(this.scans.length, "");
  }

  /** @param {unknown} error */
  fail(error) {
    const status = this.status(error);
    const words = status ? String(/** @type {Error} */ (error).message) : "";
    if (HOPELESS.has(status)) {
      this.giveUp(words);
      this.later(() => void this.run(), 0);
      return;
    }
    this.waiting(this.scans.length, words);
    if (!this.scans.length) return;
    this.wait = Math.min(this.wait ? this.wait * 2 : FIRST_WAIT, LONGEST_WAIT);
    this.later(() => void this.run(), this.wait);
  }
}
