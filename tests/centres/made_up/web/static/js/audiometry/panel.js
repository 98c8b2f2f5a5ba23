// The audiograms of a case, as text.

import { call } from "../api.js";

export async function open(element, { caseId }) {
  const { data } = await call("GET", `/api/v1/cases/${caseId}/audiograms`);
  element.textContent = data.items.map(({ right, left }) => `${right} / ${left} dB`).join(", ");
  return {};
}
