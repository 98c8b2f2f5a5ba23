// What cannot be seen and changes what is read, shown by its number: in texts of files, which stay as they were sent.

// As INVISIBLE and JOINED of telemed/domain/texts.py.
const UNSEEN =
  /[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|(?<![\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefe\u200c\u200d])[\u200c\u200d]/gu;

/**
 * The text with every character that cannot be seen written as ‹U+202E›.
 * @param {string} text
 */
export function shown(text) {
  return text.replace(UNSEEN, (each) => `‹U+${(each.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}›`);
}
