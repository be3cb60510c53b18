/** Two small vocabularies, made here, that show every kind of token: tests that need no files use them. */
import { BYTE_SYMBOLS } from "../../src/tokenizer/byte-symbols.js";
import type { TokenizerDescription } from "../../src/tokenizer/index.js";

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const BYTE = 6;

export const BPE_MERGES = ["h e", "l l", "he ll", "hell o", "\u0120 w", "\u0120w o", "a a", "aa aa"];

/** Byte-level BPE: 256 bytes, the merges above, then special tokens. */
export function smallBpe(overrides: Partial<TokenizerDescription> = {}): TokenizerDescription {
  const merged = BPE_MERGES.map((merge) => merge.replace(" ", ""));
  const special = [
    ["<|im_start|>", CONTROL],
    ["<|im_end|>", CONTROL],
    ["<think>", USER_DEFINED],
    ["<|im_end|>x", CONTROL],
    ["<unk>", UNKNOWN],
  ] as const;
  const tokens = [...BYTE_SYMBOLS, ...merged, ...special.map(([text]) => text)];
  const kinds: number[] = [...BYTE_SYMBOLS, ...merged].map(() => NORMAL);
  return {
    kind: "bpe",
    tokens,
    tokenKinds: [...kinds, ...special.map(([, kind]) => kind)],
    merges: BPE_MERGES,
    preTokenizer: "gpt-2",
    bosId: tokens.indexOf("<|im_start|>"),
    eosId: tokens.indexOf("<|im_end|>"),
    unkId: tokens.indexOf("<unk>"),
    ...overrides,
  };
}

const SPM_PIECES: readonly (readonly [text: string, score: number])[] = [
  ["\u2581", -10],
  ["h", -11],
  ["e", -12],
  ["l", -13],
  ["o", -14],
  ["he", -3],
  ["ll", -2],
  ["hell", -4],
  ["hello", -5],
  ["\u2581hello", -6],
  ["\u2581\u2581", -7],
  ["<", -15],
  ["s>", -1],
  ["</", -1],
  ["/", -15],
  ["s", -15],
  [">", -15],
];

/** SentencePiece BPE: <unk>, <s>, </s>, 256 byte tokens, a user-defined token, then pieces by score. */
export function smallSpm(overrides: Partial<TokenizerDescription> = {}): TokenizerDescription {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, "<b>", ...SPM_PIECES.map(([text]) => text)];
  const head = [UNKNOWN, CONTROL, CONTROL, ...bytes.map(() => BYTE), USER_DEFINED];
  return {
    kind: "spm",
    tokens,
    tokenKinds: [...head, ...SPM_PIECES.map(() => NORMAL)],
    scores: [...head.map(() => 0), ...SPM_PIECES.map(([, score]) => score)],
    unkId: 0,
    bosId: 1,
    eosId: 2,
    ...overrides,
  };
}
