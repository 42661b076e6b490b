// Loaded before all else: `import` and `require` of native modules lead to their stand-ins.
import { Module, register } from "node:module";
import { fileURLToPath } from "node:url";

import { standIn } from "./modules.mjs";

register("./hooks.mjs", import.meta.url);

const find = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) => {
  const found = standIn(request);
  return found ? fileURLToPath(found) : find(request, ...rest);
};
