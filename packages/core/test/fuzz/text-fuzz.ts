/**
 * The program that text-fuzz.test.ts runs in a child process with a capped heap: builds tokenizers and templates
 * from damaged descriptions and sources, and uses whatever is accepted. Prints one line of JSON; fails with
 * fast-check's counterexample if anything but a MilletError is thrown, or a promise is broken.
 * Arguments: number of inputs of each kind, seed.
 */
import fc from "fast-check";
import { createChatTemplate, encodeChat, type TemplateMessage } from "../../src/chat/template.js";
import { MilletError } from "../../src/errors.js";
import {
  createTokenizer,
  ggufTokenizer,
  huggingFaceTokenizer,
  type Tokenizer,
  type TokenizerDescription,
} from "../../src/tokenizer/index.js";
import { smallBpe } from "../tokenizer/small-vocabularies.js";
import { messages, template } from "./template-arbitrary.js";
import { description, text } from "./tokenizer-arbitrary.js";
import { tokenizerJson } from "./tokenizer-json-arbitrary.js";

export interface TextFuzzReport {
  tokenizers: number;
  /** Descriptions that became a tokenizer. */
  built: number;
  /** Files tokenizer.json, and those that became a tokenizer. */
  files: number;
  filesBuilt: number;
  templates: number;
  /** Sources that parsed. */
  parsed: number;
  rendered: number;
  /** How often each error code came up. */
  codes: Record<string, number>;
  /** CPU milliseconds of the slowest input. */
  slowestMs: number;
  /** Most bytes that one input left on the heap and in buffers, garbage included. */
  largestGrowth: number;
}

const report: TextFuzzReport = {
  tokenizers: 0,
  built: 0,
  files: 0,
  filesBuilt: 0,
  templates: 0,
  parsed: 0,
  rendered: 0,
  codes: {},
  slowestMs: 0,
  largestGrowth: 0,
};

/** What `run` returns, or undefined if it fails as it may. */
function tolerated<T>(codes: RegExp, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof MilletError && codes.test(error.code))) throw error;
    report.codes[error.code] = (report.codes[error.code] ?? 0) + 1;
    return undefined;
  }
}

function measured(run: () => void): void {
  const bytes = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  const [time, size] = [process.cpuUsage().user, bytes()];
  run();
  report.slowestMs = Math.max(report.slowestMs, (process.cpuUsage().user - time) / 1000);
  report.largestGrowth = Math.max(report.largestGrowth, bytes() - size);
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken promise: ${what}`);
}

function useTokenizer(tokenizer: Tokenizer, input: string): void {
  const options = { addBos: false, addEos: false };
  const plain = tokenizer.encode(input, options);
  for (const id of plain) {
    check(Number.isInteger(id) && id >= 0 && id < tokenizer.vocabularySize, "ids are in the vocabulary");
    check(tokenizer.tokenKind(id) !== "control", "text makes no control token");
  }
  const untrusted = tokenizer.encodeSegments([{ text: input, trusted: false }], options);
  check(String(untrusted) === String(plain), "untrusted segments are plain text");
  const parsed = tokenizer.encode(input, { parseSpecial: true });
  for (const decodeOptions of [{}, { skipSpecial: true }]) {
    const decoder = tokenizer.createDecoder(decodeOptions);
    const streamed = parsed.map((id) => decoder.push(id)).join("") + decoder.end();
    check(streamed === tokenizer.decode(parsed, decodeOptions), "streaming equals whole decoding");
  }
  for (const id of tokenizer.endOfGenerationIds)
    check(tokenizer.tokenKind(id) === "control", "ends are control tokens");
}

/** The same fields as a GGUF file holds them. */
function metadataOf(fields: Record<string, unknown>): Map<string, unknown> {
  const names: Record<string, string> = {
    tokens: "tokens",
    merges: "merges",
    scores: "scores",
    tokenKinds: "token_type",
    preTokenizer: "pre",
    bosId: "bos_token_id",
    eosId: "eos_token_id",
    unkId: "unknown_token_id",
    padId: "padding_token_id",
    eotId: "eot_token_id",
    addBos: "add_bos_token",
    addSpacePrefix: "add_space_prefix",
  };
  const metadata = new Map<string, unknown>([
    ["tokenizer.ggml.model", fields.kind === "spm" ? "llama" : "gpt2"],
  ]);
  for (const [field, value] of Object.entries(fields)) {
    if (Object.hasOwn(names, field) && value !== undefined)
      metadata.set(`tokenizer.ggml.${names[field]}`, value);
  }
  return metadata;
}

/** Types as a caller in TypeScript would have to give them; wrong values within them stay. */
function isDescription(
  fields: Record<string, unknown>,
): fields is Record<string, unknown> & TokenizerDescription {
  const isList = (value: unknown) => value === undefined || Array.isArray(value) || ArrayBuffer.isView(value);
  const isText = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === "string");
  return (
    isText(fields.tokens) &&
    (fields.merges === undefined || isText(fields.merges)) &&
    isList(fields.scores) &&
    isList(fields.tokenKinds) &&
    (fields.preTokenizer === undefined || typeof fields.preTokenizer === "string")
  );
}

function tryTokenizer(fields: Record<string, unknown>, input: string, viaGguf: boolean): void {
  report.tokenizers++;
  const tokenizer = tolerated(/^TOKENIZER_/, () =>
    viaGguf || !isDescription(fields) ? ggufTokenizer(metadataOf(fields)) : createTokenizer(fields),
  );
  if (tokenizer === undefined) return;
  report.built++;
  useTokenizer(tokenizer, input);
}

function tryFile(file: string, input: string): void {
  report.files++;
  const tokenizer = tolerated(/^TOKENIZER_/, () => huggingFaceTokenizer({ tokenizerJson: file }));
  if (tokenizer === undefined) return;
  report.filesBuilt++;
  useTokenizer(tokenizer, input);
}

const vocabulary = createTokenizer(smallBpe());

function tryTemplate(source: string, conversation: readonly TemplateMessage[]): void {
  report.templates++;
  const parsed = tolerated(/^TEMPLATE_INVALID$/, () => createChatTemplate(source));
  if (parsed === undefined) return;
  report.parsed++;
  const input = { messages: conversation, bosToken: "<s>", now: new Date(0) };
  const segments = tolerated(/^TEMPLATE_(FAILED|STEP_LIMIT)$/, () => parsed.renderSegments(input));
  if (segments === undefined) return;
  report.rendered++;
  const rendered = segments.map((segment) => segment.text).join("");
  if (rendered.length > 100_000) return;
  check(rendered === parsed.render(input), "segments join to the text");
  encodeChat(vocabulary, segments);
}

const [inputs, seed] = process.argv.slice(2).map(Number);
const settings = { numRuns: inputs!, seed: seed! };
fc.assert(
  fc.property(description, text, fc.boolean(), (fields, input, viaGguf) =>
    measured(() => tryTokenizer(fields, input, viaGguf)),
  ),
  settings,
);
fc.assert(
  fc.property(tokenizerJson, text, (file, input) => measured(() => tryFile(file, input))),
  { ...settings, numRuns: Math.ceil(inputs! / 3) },
);
fc.assert(
  fc.property(template, messages, (source, conversation) =>
    measured(() => tryTemplate(source, conversation)),
  ),
  settings,
);
console.log(JSON.stringify(report));
