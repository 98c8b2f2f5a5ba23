// Calls to the JSON API. What goes wrong arrives as one of two errors, and both can be shown to a person.

import { t } from "./i18n.js";

const PATIENCE = 20_000; // ms before a call counts as lost; clinics sit behind slow lines

/** The server refused: an RFC 9457 problem document, or what could be made of the answer. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {ProblemDocument} document
   * @param {Headers} headers
   */
  constructor(status, document, headers) {
    super(document.detail || document.title || t("The server answered {status}.", { status }));
    this.status = status;
    this.document = document;
    this.errors = Array.isArray(document.errors) ? document.errors : [];
    this.headers = headers;
  }
}

/** No answer came: the line is down, or too slow. */
export class Unreachable extends Error {
  constructor() {
    super(t("No connection to the server."));
  }
}

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
async function readBody(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (!/[/+]json/.test(type)) return {};
  try {
    return await response.json();
  } catch {
    return {};
  }
}

/**
 * Call the API; gives {data, etag, status}. `body` is sent as JSON. Throws Problem or Unreachable.
 * @param {string} method
 * @param {string} url
 * @param {{body?: unknown, headers?: Record<string, string>, keepalive?: boolean}} options
 * @returns {Promise<{data: any, etag: string | null, status: number}>}
 */
export async function call(method, url, { body, headers = {}, keepalive = false } = {}) {
  let response;
  try {
    response = await fetch(url, {
      method,
      keepalive,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new Unreachable();
  }
  const data = await readBody(response);
  if (!response.ok) throw new Problem(response.status, data ?? {}, response.headers);
  return { data, etag: response.headers.get("ETag"), status: response.status };
}
