// Addresses of modules as in a page: `/static/js/clock.js`. The static folders of the platform and of its centres are one
// tree, so a centre's module may import "../element.js" from the platform's.

import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const TELEMED = new URL("../../telemed/", import.meta.url);
const CENTRES = readdirSync(new URL("centres/", TELEMED)).map((name) => new URL(`centres/${name}/web/static/`, TELEMED));
const ROOTS = [new URL("web/static/", TELEMED), ...CENTRES].map((url) => fileURLToPath(url));

/** The path in the tree that a specifier means, or null. */
function pathOf(specifier, parent) {
  if (specifier.startsWith("/static/")) return specifier.slice("/static/".length);
  if (!specifier.startsWith(".") || !parent?.startsWith("file:")) return null;
  const wanted = fileURLToPath(new URL(specifier, parent));
  const root = ROOTS.find((each) => wanted.startsWith(each));
  return root ? wanted.slice(root.length) : null;
}

/** See the documentation of node:module, "Customization hooks". */
export async function resolve(specifier, context, next) {
  const [plain, query = ""] = specifier.split("?");
  const path = pathOf(plain, context.parentURL);
  const root = path === null ? undefined : ROOTS.find((each) => existsSync(each + path));
  if (!root) return next(specifier, context);
  return { url: pathToFileURL(root + path).href + (query && `?${query}`), shortCircuit: true, format: "module" };
}
