/** Vocabularies and texts from the shared data folder, for tests; the folder is no part of the repository. */
import { readFileSync } from "node:fs";
import { sharedData } from "../../../../test/support/availability.js";
import { readGgufHeader } from "../../src/formats/gguf/index.js";
import { openSource } from "../../src/store/index.js";
import { BYTE_SYMBOLS, bytesToSymbols } from "../../src/tokenizer/byte-symbols.js";
import {
  createTokenizer,
  ggufTokenizer,
  type Tokenizer,
  type TokenizerDescription,
} from "../../src/tokenizer/index.js";

/** The folder, for `describeWith`. */
export const shared = sharedData("");
const folder = shared.path ?? "";

/** The tokenizer of a GGUF file in the shared folder, read by our own reader. */
export async function sharedGgufTokenizer(path: string): Promise<Tokenizer> {
  const source = await openSource(`${folder}${path}`);
  try {
    return ggufTokenizer((await readGgufHeader(source)).metadata);
  } finally {
    await source.close();
  }
}

/** Builds on the first call only. */
function once<T>(build: () => Promise<T>): () => Promise<T> {
  let built: Promise<T> | undefined;
  return () => (built ??= build());
}

/** How to build the vocabularies that the shared texts are tested with. */
export const VOCABULARIES: Readonly<Record<string, () => Promise<Tokenizer>>> = {
  "llama-spm": once(() => sharedGgufTokenizer("tokenizers/ggml-vocab-llama.gguf")),
  falcon: once(() => sharedGgufTokenizer("tokenizers/ggml-vocab-falcon.gguf")),
  starcoder: once(() => sharedGgufTokenizer("tokenizers/ggml-vocab-starcoder.gguf")),
  "gpt-2": once(async () => createTokenizer(gpt2Description())),
  qwen2: once(async () => createTokenizer(qwen2Description())),
};

export function sharedText(path: string): string {
  return readFileSync(`${folder}${path}`, "utf8");
}

/** The texts and ids of one `.inp`/`.out` pair of llama.cpp's tokenizer tests; ids are without BOS. */
export function sharedPairs(name: string): { text: string; ids: number[] }[] {
  const path = `tokenizers/ggml-vocab-${name}.gguf`;
  const texts = sharedText(`${path}.inp`).split("\n__ggml_vocab_test__\n");
  const lines = sharedText(`${path}.out`).split("\n");
  if (texts.at(-1) === "") texts.pop();
  return texts.map((text, i) => ({ text, ids: (lines[i]!.match(/\d+/g) ?? []).map(Number) }));
}

/** GPT-2 from its list of merges: 256 byte symbols (printable ones first), merges in order, then the end. */
export function gpt2Description(): TokenizerDescription {
  const lines = sharedText("tokenizers/gpt2-merges.vocab.bpe").split("\n");
  const merges = lines.filter((line) => line !== "" && !line.startsWith("#version"));
  const isSelf = (symbol: string, byte: number) => symbol === String.fromCharCode(byte);
  const first = BYTE_SYMBOLS.filter(isSelf);
  const then = BYTE_SYMBOLS.filter((symbol, byte) => !isSelf(symbol, byte));
  const tokens = [...first, ...then, ...merges.map((merge) => merge.replace(" ", "")), "<|endoftext|>"];
  return { kind: "bpe", tokens, merges, preTokenizer: "gpt-2", eosId: tokens.length - 1 };
}

/** Qwen from its ranks: a token's merge is the pair that remains when only lower ranks may join. */
export function qwen2Description(): TokenizerDescription {
  const pieces: Uint8Array[] = [];
  for (const line of sharedText("tokenizers/qwen.tiktoken").split("\n")) {
    const [base64, rank] = line.split(" ");
    if (base64 && rank !== undefined) pieces[Number(rank)] = Buffer.from(base64, "base64");
  }
  const tokens = pieces.map(bytesToSymbols);
  const rankOf = new Map(tokens.map((token, rank) => [token, rank]));
  const merges: string[] = [];
  tokens.forEach((token, rank) => {
    if (token.length > 1) merges.push(lastPair(token, rank, rankOf).join(" "));
  });
  const special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
  const tokenKinds = new Uint8Array(tokens.length + special.length).fill(1).fill(3, tokens.length);
  return { kind: "bpe", tokens: [...tokens, ...special], tokenKinds, merges, preTokenizer: "qwen2" };
}

function lastPair(token: string, rank: number, rankOf: ReadonlyMap<string, number>): string[] {
  const parts = [...token];
  while (parts.length > 2) {
    let best = -1;
    let bestRank = rank;
    for (let i = 0; i + 1 < parts.length; i++) {
      const joined = rankOf.get(parts[i]! + parts[i + 1]!) ?? Number.POSITIVE_INFINITY;
      if (joined < bestRank) [best, bestRank] = [i, joined];
    }
    if (best < 0) throw new Error(`rank ${rank} cannot be made of lower ranks`);
    parts.splice(best, 2, parts[best]! + parts[best + 1]!);
  }
  return parts;
}
