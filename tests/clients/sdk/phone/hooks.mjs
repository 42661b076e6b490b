import { standIn } from "./modules.mjs";

/** Tells Node where an imported module is. */
export async function resolve(specifier, context, next) {
  const found = standIn(specifier);
  return found ? { url: found.href, format: "commonjs", shortCircuit: true } : next(specifier, context);
}
