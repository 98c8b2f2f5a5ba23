// Taking the parts out of a multipart/related answer (RFC 2046, section 5.1; PS3.18 section 8.6.1.2).

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");
const HEAD_END = encoder.encode("\r\n\r\n");
const MAX_PARTS = 1000;

/**
 * Where `needle` begins in `bytes` at or after `from`, or -1.
 * @param {Uint8Array} bytes
 * @param {Uint8Array} needle
 * @param {number} from
 */
export function find(bytes, needle, from = 0) {
  const first = needle[0];
  for (let at = bytes.indexOf(first, from); at >= 0 && at + needle.length <= bytes.length; at = bytes.indexOf(first, at + 1)) {
    let same = 1;
    while (same < needle.length && bytes[at + same] === needle[same]) same += 1;
    if (same === needle.length) return at;
  }
  return -1;
}

/**
 * The boundary of a Content-Type, or null.
 * @param {string | null} contentType
 */
export function boundaryOf(contentType) {
  const found = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? "");
  return found ? (found[1] ?? found[2]) : null;
}

/**
 * The parts as [{headers: {name: text}, body: Uint8Array}], views into `bytes`. Throws where the answer is cut off.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string | null} contentType
 */
export function parts(bytes, contentType) {
  const boundary = boundaryOf(contentType);
  if (!boundary) return [{ headers: { "content-type": contentType ?? "" }, body: bytes }];
  const mark = encoder.encode(`--${boundary}`);
  const nextMark = encoder.encode(`\r\n--${boundary}`);
  const found = [];
  let at = find(bytes, mark);
  while (at >= 0 && found.length < MAX_PARTS) {
    const start = at + mark.length;
    if (bytes[start] === 45 && bytes[start + 1] === 45) return found; // the closing "--"
    const head = find(bytes, HEAD_END, start);
    const end = head < 0 ? -1 : find(bytes, nextMark, head + 2);
    if (end < 0) throw new Error("multipart answer is cut off");
    found.push({ headers: headers(bytes.subarray(start, head)), body: bytes.subarray(Math.min(head + 4, end), end) });
    at = end + 2;
  }
  if (!found.length) throw new Error("multipart answer has no part");
  return found;
}

/** @param {Uint8Array} bytes */
function headers(bytes) {
  const lines = decoder
    .decode(bytes)
    .split("\r\n")
    .filter((line) => line.includes(":"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).trim().toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
}
