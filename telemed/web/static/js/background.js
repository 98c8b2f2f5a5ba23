// Requests that a page makes by itself, because something happened elsewhere or time has passed. They carry a header that says so:
// the server answers them as long as the session lives, and does not take them for a sign that somebody is there.

/**
 * @param {string | URL} address
 * @param {string} accept
 */
export const fetchInBackground = (address, accept) =>
  fetch(address, { headers: { Accept: accept, "Telemed-Background": "1" }, credentials: "same-origin" });
