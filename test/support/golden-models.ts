/** The tables of golden models: what transformers computes for them, and how far a backend is from it. */
import { readdirSync, readFileSync } from "node:fs";
import type { Backend } from "@millet/core/backend";
import type { ModelFiles } from "@millet/core/models";
import { decoderOf } from "./decoder.js";

/** A GGUF file with logits that are known. */
export interface GoldenLogits {
  readonly name: string;
  readonly file: URL;
  readonly prompt: readonly number[];
  readonly decode: readonly number[];
  /** Positions whose logits are kept. */
  readonly rows: readonly number[];
  /** base64 of float32 [rows, vocab]. */
  readonly logits: string;
}

/** A model of fixtures/models, in both containers. */
export interface GoldenModel extends GoldenLogits {
  /** Where config.json is. */
  readonly folder: URL;
  readonly architecture: string;
  /** The same [1, hidden], of the last position after the final norm. */
  readonly hidden: string;
  /** The same [rows - 1, vocab], of the MTP layer from the token after each row but the last. */
  readonly mtpLogits?: string;
}

const FOLDER = new URL("../../fixtures/models/", import.meta.url);
const LLAMA_FOLDER = new URL("../../fixtures/llama/", import.meta.url);

/** fixtures/llama: the Llama architecture in many types of weights. */
export const LLAMA_MODELS: readonly GoldenLogits[] = readdirSync(LLAMA_FOLDER)
  .filter((file) => file.endsWith(".gguf"))
  .map((file) => ({
    name: file.replace(".gguf", ""),
    file: new URL(file, LLAMA_FOLDER),
    ...JSON.parse(readFileSync(new URL(file.replace(".gguf", ".json"), LLAMA_FOLDER), "utf8")),
  }));

/** fixtures/models: every architecture. */
export const GOLDEN_MODELS: readonly GoldenModel[] = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith("_"))
  .map(({ name }) => {
    const folder = new URL(`${name}/`, FOLDER);
    const file = new URL("model.gguf", folder);
    return { name, folder, file, ...JSON.parse(readFileSync(new URL("golden.json", folder), "utf8")) };
  });

/** Logits of every position: the prompt in chunks of so many tokens, then a token at a time. */
export async function goldenLogits(
  backend: Backend,
  files: ModelFiles,
  { prompt, decode }: GoldenLogits,
  chunk = prompt.length,
): Promise<Float32Array[]> {
  const decoder = await decoderOf(backend, files, chunk, prompt.length + decode.length);
  const rows: Float32Array[] = [];
  for (let start = 0; start < prompt.length; start += chunk) {
    rows.push(...(await decoder.run(prompt.slice(start, start + chunk), start)));
  }
  for (const token of decode) rows.push(...(await decoder.run([token], rows.length)));
  await decoder.dispose();
  return rows;
}

/** Normalised squared error of the kept rows against transformers. */
export function goldenError(model: GoldenLogits, rows: readonly Float32Array[]): number {
  return normalisedError(
    model.rows.map((row) => rows[row]!),
    floats(model.logits),
  );
}

export function normalisedError(actual: readonly Float32Array[], expected: Float32Array): number {
  const flat = Float32Array.from(actual.flatMap((row) => [...row]));
  if (flat.length !== expected.length) return Number.POSITIVE_INFINITY;
  const squares = (f: (i: number) => number) => expected.reduce((sum, _, i) => sum + f(i) ** 2, 0);
  return squares((i) => flat[i]! - expected[i]!) / squares((i) => expected[i]!);
}

export function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);
}
