// Loaded before the tests: what modules look for in a page, where there is none. A page that says nothing is English, has
// no catalogue, and its clock is the server's. `/static/...` is found as the server finds it (static-tree.js).

import { register } from "node:module";

register("./static-tree.js", import.meta.url);
globalThis.document = { documentElement: { dataset: {}, lang: "en" }, getElementById: () => null };
