// Text that the server does not have yet, kept in this browser. localStorage, because its write is done when the call
// returns: a browser that dies a moment later still has every letter. Kept per person, so that another account on the
// same workstation is not shown it, and removed as soon as the server has the text.

/** @typedef {{values: FormValues, base: FormValues, etag?: string, at: number}} Draft */

const PREFIX = "telemed.draft.";
const MAX_DAYS = 30; // the oldest draft that is kept; who has not come back by then writes anew

export class KeptDraft {
  /**
   * @param {string} person
   * @param {string} address
   */
  constructor(person, address) {
    this.key = `${PREFIX}${person}.${address}`;
  }

  /**
   * {values, base, etag, at (ms)} or null: what was written, and the saved text that it was written over.
   * @returns {Draft | null}
   */
  read() {
    try {
      return JSON.parse(localStorage.getItem(this.key) ?? "null");
    } catch {
      return null;
    }
  }

  /**
   * False where the browser has no room: then a person must be told that leaving loses text.
   * @param {FormValues} values
   * @param {FormValues} base
   * @param {string | undefined} etag
   */
  write(values, base, etag) {
    try {
      localStorage.setItem(this.key, JSON.stringify({ values, base, etag, at: Date.now() }));
      return true;
    } catch {
      return false;
    }
  }

  remove() {
    try {
      localStorage.removeItem(this.key);
    } catch {
      // A browser without storage keeps nothing that could be removed.
    }
  }
}

/** Drop drafts that nobody came back to. */
export function dropOldDrafts(now = Date.now()) {
  try {
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))) {
      const at = Number(JSON.parse(localStorage.getItem(key) ?? "{}")?.at);
      if (!(now - at < MAX_DAYS * 86_400_000)) localStorage.removeItem(key);
    }
  } catch {
    // As above.
  }
}
