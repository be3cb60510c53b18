/**
 * Tokenizer metadata for random models: a made-up byte-level BPE vocabulary of any size, or that of another GGUF file.
 * Every text can be encoded, and decoded back to itself; the pieces mean nothing to a random model anyway.
 */
import type { GgufMetadata, GgufTypedValue } from "@millet/core/formats/gguf";

export type Entries = [key: string, value: GgufTypedValue][];

const SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
/** Token types of GGUF. */
const NORMAL = 1;
const CONTROL = 3;
const UNUSED = 5;

const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** GPT-2's printable stand-in for each byte: itself where it is printable, else one from U+0100 on. */
function byteSymbols(): string[] {
  const printable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

/** Merges that append a letter to a piece, short pieces first: as many as asked for. */
function letterMerges(count: number): [string, string][] {
  const letters = [..."etaoinshrdlucmfwypvbgkjqxz"];
  const merges: [string, string][] = [];
  let pieces = ["Ġ", ...letters];
  for (;;) {
    const longer: string[] = [];
    for (const left of pieces) {
      for (const right of letters) {
        if (merges.length === count) return merges;
        merges.push([left, right]);
        longer.push(left + right);
      }
    }
    pieces = longer;
  }
}

/** Tokens and merges of a byte-level BPE of exactly `vocab` tokens, the special ones first. */
export function syntheticVocabulary(vocab: number) {
  const base = [...SPECIAL, ...byteSymbols()];
  if (vocab < base.length)
    throw new Error(`A vocabulary needs at least ${base.length} tokens, not ${vocab}.`);
  const merges = letterMerges(vocab - base.length);
  return { special: SPECIAL, tokens: [...base, ...merges.map(([left, right]) => left + right)], merges };
}

/** The same as GGUF metadata. */
export function syntheticTokenizer(vocab: number): Entries {
  const { tokens, merges } = syntheticVocabulary(vocab);
  const types = Int32Array.from(tokens, (_, id) => (id < SPECIAL.length ? CONTROL : NORMAL));
  return [
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: "gpt-2" }],
    ["tokenizer.ggml.tokens", { type: "array", elementType: "string", value: tokens }],
    ["tokenizer.ggml.token_type", { type: "array", elementType: "i32", value: types }],
    [
      "tokenizer.ggml.merges",
      { type: "array", elementType: "string", value: merges.map((pair) => pair.join(" ")) },
    ],
    ["tokenizer.ggml.bos_token_id", { type: "u32", value: 1 }],
    ["tokenizer.ggml.eos_token_id", { type: "u32", value: 2 }],
    ["tokenizer.ggml.unknown_token_id", { type: "u32", value: 0 }],
    ["tokenizer.ggml.padding_token_id", { type: "u32", value: 2 }],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: false }],
    ["tokenizer.chat_template", { type: "string", value: CHAT_TEMPLATE }],
  ];
}

/** The tokenizer of another file, its vocabulary filled up with unused tokens to `vocab`. */
export function copiedTokenizer(metadata: GgufMetadata, vocab: number): Entries {
  const have = metadata.info("tokenizer.ggml.tokens")?.length ?? 0;
  if (have === 0) throw new Error("The file to copy the vocabulary from has none.");
  if (have > vocab)
    throw new Error(`The vocabulary has ${have} tokens, but the shape has room for ${vocab}.`);
  const unused = Array.from({ length: vocab - have }, (_, i) => `<|unused_${i}|>`);
  const fillers: Record<string, readonly (string | number)[]> = {
    "tokenizer.ggml.tokens": unused,
    "tokenizer.ggml.token_type": unused.map(() => UNUSED),
    "tokenizer.ggml.scores": unused.map(() => 0),
  };
  const entries = [...metadata.typed()].filter(([key]) => key.startsWith("tokenizer."));
  return entries.map(([key, value]) => {
    if (value.type !== "array" || !(key in fillers)) return [key, value];
    return [
      key,
      { ...value, value: [...Array.from<unknown>(value.value), ...fillers[key]!] } as GgufTypedValue,
    ];
  });
}
