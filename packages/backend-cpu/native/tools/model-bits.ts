/**
 * Prints what the CPU backend is on this processor and why, then a digest of the logits of every small model in fixtures/,
 * and, where the shared data is, the tokens that stories260K generates. For emulate.ts; runs on the built packages.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cpu } from "@millet/backend-cpu";
import type { Backend } from "@millet/core/backend";
import { argmax, loadDecoder } from "../../../../test/support/decoder.ts";
import { NATIVE } from "./sources.ts";

const ROOT = join(NATIVE, "../../..");
const FIXTURES = join(ROOT, "fixtures/llama");
const STORIES = join(ROOT, "../shared/data/models/stories260K.gguf");
const PROMPT = Array.from({ length: 21 }, (_, i) => (i * 7) % 50);

/** Logits of the prompt in chunks of 9 rows, then of single rows. */
async function digest(backend: Backend, path: string): Promise<string> {
  const decoder = await loadDecoder(backend, pathToFileURL(path), 9, 40);
  const hash = createHash("sha256");
  for (let at = 0; at < PROMPT.length; at += at < 18 ? 9 : 1) {
    const rows = await decoder.run(PROMPT.slice(at, at < 18 ? at + 9 : at + 1), at);
    for (const row of rows) hash.update(row);
  }
  await decoder.dispose();
  return hash.digest("hex");
}

async function story(backend: Backend, tokens: number): Promise<number[]> {
  const decoder = await loadDecoder(backend, pathToFileURL(STORIES), 1, tokens + 1);
  const generated = [1];
  for (let at = 0; at < tokens; at++) {
    const [row] = await decoder.run([generated[at] ?? 0], at);
    if (row) generated.push(argmax(row));
  }
  await decoder.dispose();
  return generated;
}

const backend = await cpu({ threads: 2 }).create();
const { description, limitations } = backend.capabilities;
console.log([description, ...limitations].join("; "));
for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith(".gguf")))
  console.log(name, await digest(backend, join(FIXTURES, name)));
if (existsSync(STORIES)) console.log("stories260K", (await story(backend, 40)).join(" "));
await backend.dispose();
