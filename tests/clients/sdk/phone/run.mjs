// node --import ./register.mjs run.mjs ENTRY import|require: loads an entry of the SDK as `sdk`, then runs the body of an async
// function for each line of standard input (a JSON string) and answers with a line: {"value": ...} or {"error": ...}.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const [entry, how] = process.argv.slice(2);
const AsyncFunction = (async () => {}).constructor;

globalThis.sdk = how === "require" ? require(entry) : await import(entry);
globalThis.phone = require("./phone.cjs");
globalThis.require = require;

async function run(script) {
  try {
    return { value: (await new AsyncFunction(script)()) ?? null };
  } catch (error) {
    return { error: String(error?.stack ?? error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
process.exit(0);
