/** The tokenizer.json files of npm packages and what the original library makes of texts (fixtures/tokenizers). */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tokenizerFiles } from "../../../../../test/support/availability.js";
import { type HuggingFaceTokenizerFiles, huggingFaceTokenizer } from "../../../src/tokenizer/index.js";
import { sharedText } from "../shared-vocabularies.js";

/** The folder of packages, for `describeWith`. */
export const realFiles = tokenizerFiles();

/** What make.py writes for one file. */
export interface Golden {
  readonly size: number;
  readonly framed: readonly number[];
  readonly special: readonly (readonly number[])[];
  readonly plain: Readonly<Record<string, readonly number[]>>;
  readonly long: Readonly<Record<string, { readonly count: number; readonly sha256: string }>>;
  readonly decoded: readonly string[];
}

const fixtures = fileURLToPath(new URL("../../../../../fixtures/tokenizers/", import.meta.url));

/** The path of a file of the fixtures. */
export function fixtureFile(name: string): string {
  return `${fixtures}${name}`;
}

export function golden(name: string): Golden {
  return JSON.parse(readFileSync(`${fixtures}${name}.json`, "utf8")) as Golden;
}

export const TEXTS = JSON.parse(readFileSync(`${fixtures}texts.json`, "utf8")) as readonly string[];

/** Texts of 100,000 characters without blanks, or of nothing else; as in make.py. */
export const REPEATS: Readonly<Record<string, string>> = {
  letters: "a",
  alphabet: "abcdefghijklmnopqrstuvwxyz",
  spaces: " ",
  chinese: "\u6211\u60f3\u5728",
  marks: "!?",
  lines: "\n",
};

export function repeated(unit: string, length: number): string {
  return unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
}

export function filesOf(name: string): HuggingFaceTokenizerFiles {
  const folder = `${realFiles.path}tokenizer-${name}/models/`;
  const config = `${folder}tokenizer_config.json`;
  return {
    tokenizerJson: readFileSync(`${folder}tokenizer.json`, "utf8"),
    tokenizerConfig: existsSync(config) ? readFileSync(config, "utf8") : undefined,
  };
}

/** The tokenizer.json alone, as the original library reads it. */
export function tokenizerOf(name: string) {
  return huggingFaceTokenizer({ tokenizerJson: filesOf(name).tokenizerJson });
}

export function sha256(ids: readonly number[]): string {
  return createHash("sha256").update(Int32Array.from(ids)).digest("hex");
}

export function textDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** English, Chinese and English prose from the shared data, about a third of a million characters each; as in make.py. */
export function prose(): string {
  const files = ["tinyshakespeare.txt", "hongloumeng-zh.txt", "wikitext2-raw-test.txt"];
  return files.map((file) => sharedText(`text/${file}`).slice(0, 250_000)).join("");
}

/** Whether the file keeps every text as it is; others normalize it. */
export function isLossless(name: string): boolean {
  return name !== "claude";
}
