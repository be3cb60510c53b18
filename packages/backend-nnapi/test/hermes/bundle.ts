/** Core and this package in one script for Hermes, which has neither modules nor generators that are async. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** @param files what the smoke script reads, by the names that it has for them */
export async function bundleForHermes(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [here("smoke.js")],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    supported: { "async-generator": false, "for-await": false },
    logLevel: "silent",
  });
  const digits = Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString("hex")]);
  const data = `globalThis.smokeFiles = ${JSON.stringify(Object.fromEntries(digits))};\n`;
  return readFileSync(here("prelude.js"), "utf8") + data + outputFiles[0]!.text;
}
