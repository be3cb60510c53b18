/**
 * How byte-level BPE vocabularies cut text into words before merging, by the name that GGUF files use
 * (`tokenizer.ggml.pre`). The patterns are the models' own (tokenizer.json), as llama.cpp applies them: one
 * after another, each within the pieces that the one before left, matches and gaps alike.
 */
import { MilletError } from "../errors.js";
import { regExpPattern, type TextPattern } from "./pre-tokenizers/split.js";
import { linearPattern } from "./regex/matcher.js";
import {
  CJK,
  CONTRACTION,
  DEEPSEEK_V3,
  GPT2,
  gpt4,
  gpt4o,
  LLAMA3,
  QWEN2,
  S,
  SPACES,
} from "./word-patterns.js";

export interface GgufPreTokenizer {
  /** Applied in turn. */
  readonly patterns: readonly TextPattern[];
  /** A word that is a token as a whole is not merged. */
  readonly ignoreMerges: boolean;
  /** BOS is put in front unless the vocabulary says otherwise. */
  readonly addBos: boolean;
  /** A separator is appended unless the vocabulary says otherwise. */
  readonly addSep: boolean;
  /** Tokens are written in characters, with U+2581 for spaces and tokens for bytes; otherwise in GPT-2's alphabet. */
  readonly readsCharacters: boolean;
}

/** Groups of three digits, counted from the right: looks far ahead, so it runs where that takes linear time. */
const THREES = { linear: "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))" };
const THREES_AYA = { linear: "\\d{1,3}(?=(?:\\d{3})*\\b)" };
const QWEN35 =
  `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}` +
  `| ?[^${S}\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${SPACES}`;
const BLOOM = ` ?[^(${S}|.,!?\\u2026\\u3002\\uff0c\\u3001\\u0964\\u06d4\\u060c)]+`;

// Cased letters of the Unicode version that DeepSeek's tokenizer lists, range by range.
const DEEPSEEK_LETTERS =
  "A-Za-z\\u00b5\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u01ba\\u01bc-\\u01bf\\u01c4-\\u0293\\u0295-\\u02af" +
  "\\u0370-\\u0373\\u0376\\u0377\\u037b-\\u037d\\u037f\\u0386\\u0388-\\u038a\\u038c\\u038e-\\u03a1" +
  "\\u03a3-\\u03f5\\u03f7-\\u0481\\u048a-\\u052f\\u0531-\\u0556\\u10a0-\\u10c5\\u13a0-\\u13f5\\u13f8-\\u13fd" +
  "\\u1c90-\\u1cba\\u1cbd-\\u1cbf\\u1d00-\\u1d2b\\u1d6b-\\u1d77\\u1d79-\\u1d9a\\u1e00-\\u1f15\\u1f18-\\u1f1d" +
  "\\u1f20-\\u1f45\\u1f48-\\u1f4d\\u1f50-\\u1f57\\u1f59\\u1f5b\\u1f5d\\u1f5f-\\u1f7d\\u1f80-\\u1fb4" +
  "\\u1fb6-\\u1fbc\\u1fbe\\u1fc2-\\u1fc4\\u1fc6-\\u1fcc\\u1fd0-\\u1fd3\\u1fd6-\\u1fdb\\u1fe0-\\u1fec" +
  "\\u1ff2-\\u1ff4\\u1ff6-\\u1ffc\\u2102\\u2107\\u210a-\\u2113\\u2115\\u2119-\\u211d\\u2124\\u2126\\u2128" +
  "\\u212a-\\u212d\\u212f-\\u2134\\u2139\\u213c-\\u213f\\u2145-\\u2149\\u214e\\u2183\\u2184\\u2c00-\\u2c7b" +
  "\\u2c7e-\\u2ce4\\u2ceb-\\u2cee\\u2cf2\\u2cf3\\ua640-\\ua66d\\ua680-\\ua69b\\ua722-\\ua76f\\ua771-\\ua787" +
  "\\ua78b-\\ua78e\\uab70-\\uabbf\\ufb00-\\ufb06\\ufb13-\\ufb17\\uff21-\\uff3a\\uff41-\\uff5a" +
  "\\u{10400}-\\u{1044f}\\u{104b0}-\\u{104d3}\\u{104d8}-\\u{104fb}\\u{10c80}-\\u{10cb2}\\u{10cc0}-\\u{10cf2}" +
  "\\u{118a0}-\\u{118df}\\u{1e900}-\\u{1e943}";
const DEEPSEEK_PUNCTUATION = "!-\\/:-~\\uff01-\\uff0f\\uff1a-\\uff5e\\u2018-\\u201f\\u3000-\\u3002";

/** Letters of Kimi K2's words: not Chinese. */
const NOT_HAN = "(?!\\p{Script=Han})";
const KIMI_UPPER = `(?:${NOT_HAN}[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}])`;
const KIMI_LOWER = `(?:${NOT_HAN}[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}])`;
const KIMI_BEFORE = "[^\\r\\n\\p{L}\\p{N}]?";
const LINES = "[^\\n]+|\\n+";
const DEEPSEEK_V3_CHINESE = "[\\u4e00-\\u9fa5\\u3040-\\u309f\\u30a0-\\u30ff]+";
const ASIAN =
  "[\\u4e00-\\u9fff\\u3400-\\u4dbf\\uf900-\\ufaff\\u3040-\\u30ff\\uff65-\\uff9f\\u2f00-\\u2fdf" +
  "\\u0e00-\\u0eff\\u1780-\\u17ff\\u1000-\\u109f\\uaa60-\\uaa7f\\ua9e0-\\ua9ff\\uac00-\\ud7af\\u1100-\\u11ff]+";

interface Entry {
  readonly names: readonly string[];
  /** Expressions for JavaScript with the flags "gu", or for our own engine. */
  readonly patterns: readonly (string | { readonly linear: string })[];
  readonly ignoreMerges?: boolean;
  readonly addBos?: boolean;
  readonly addSep?: boolean;
  readonly readsCharacters?: boolean;
}

const ENTRIES: readonly Entry[] = [
  {
    names: [
      "gpt-2 phi-2 mpt olmo jais trillion granite-docling gigachat a.x-4.0 mellum modern-bert exaone4",
      "jina-es jina-de jina-v2-es jina-v2-de",
    ],
    patterns: [GPT2],
  },
  { names: ["jina-v1-en jina-v2-code roberta-bpe"], patterns: [GPT2], addSep: true },
  {
    names: ["starcoder refact command-r smollm codeshell exaone minerva-7b mellum2"],
    patterns: ["\\p{N}", GPT2],
  },
  { names: ["falcon"], patterns: ["[\\p{P}$+<=>^~|`]+", GPT2, "[0-9]{3}"] },
  // What llama.cpp does for files that name none; not gpt-2.
  { names: ["default"], patterns: ["[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9]{3}"] },
  {
    names: ["llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano"],
    patterns: [LLAMA3],
    ignoreMerges: true,
    addBos: true,
  },
  { names: ["dbrx smaug-bpe chatglm-bpe"], patterns: [LLAMA3] },
  { names: ["glm4 glm5"], patterns: [LLAMA3], ignoreMerges: true },
  { names: ["minicpm5"], patterns: ["\\p{N}{1,3}", gpt4("\\p{N}+")], ignoreMerges: true },
  {
    names: ["jais-2"],
    patterns: [
      LLAMA3.slice(0, -SPACES.length) +
        `${S}*[\\r\\n]+|${[512, 256, 128, 64, 32, 16, 8, 4].map((n) => `${S}{${n}}(?!\\P{White_Space})|`).join("")}` +
        `${S}{1,2}(?!\\P{White_Space})|${S}`,
    ],
  },
  {
    names: ["qwen2 deepseek-r1-qwen kormo stablelm2 hunyuan megrez grok-2 solar-open f2llmv2"],
    patterns: [QWEN2],
  },
  { names: ["laguna"], patterns: [LINES, QWEN2] },
  { names: ["ufakzeka"], patterns: [QWEN2.slice(CONTRACTION.length + 1)] },
  {
    names: ["bailingmoe bailingmoe2 llada-moe"],
    patterns: [QWEN2.replace(SPACES, `${S}*[\\r\\n]|${S}+(?!\\P{White_Space})|${S}+`)],
  },
  {
    names: ["exaone-moe"],
    patterns: [
      `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}| ?[^${S}\\p{L}\\p{N}]+[\\r\\n/]?` +
        `|${S}*[\\r\\n]|${S}+(?!\\P{White_Space})|${S}+`,
    ],
  },
  { names: ["qwen35"], patterns: [QWEN35] },
  {
    names: ["deepseek-llm"],
    patterns: [
      "[\\r\\n]",
      `${S}?[${DEEPSEEK_LETTERS}]+`,
      `${S}?[${DEEPSEEK_PUNCTUATION}]+`,
      // The look-behind changes no match; without it every space of a long run would be a fresh start.
      `(?<!${S})${S}+$`,
      CJK,
      "\\p{N}+",
    ],
  },
  {
    names: ["deepseek-coder"],
    patterns: ["[\\r\\n]", `${S}?\\p{L}+`, `${S}?\\p{P}+`, CJK, "\\p{N}"],
  },
  {
    names: ["deepseek-v3 hunyuan-dense joyai-llm hy_v4"],
    patterns: ["\\p{N}{1,3}", DEEPSEEK_V3_CHINESE, DEEPSEEK_V3],
  },
  {
    names: ["spark2_5"],
    patterns: [
      "\\p{N}{1,3}",
      DEEPSEEK_V3_CHINESE,
      DEEPSEEK_V3.replace("[\\r\\n]*", "").replace(`${S}*[\\r\\n]+`, "[\\r\\n]"),
      "\\p{N}",
    ],
  },
  { names: ["afmoe"], patterns: [THREES, ASIAN, DEEPSEEK_V3] },
  { names: ["superbpe"], patterns: ["\\p{N}+", THREES] },
  {
    names: ["youtu"],
    patterns: [
      "[\\uac00-\\ud7a3\\u3131-\\u318e]+|[\\uff01\\u2026\\u201c\\u201d\\u2018\\u2019\\u2014\\uff1a\\uff1b\\uff0c\\u3001-\\u303f\\ufe30-\\ufe4f]+" +
        `|[\\u3105-\\u312f]+|${DEEPSEEK_V3_CHINESE}`,
      gpt4o("\\p{N}", `(?:${CONTRACTION})?`),
    ],
    ignoreMerges: true,
  },
  {
    names: ["chameleon"],
    patterns: [
      "<sentinel:[0-9]+>",
      "IMGIMG[A-I]{1,4}Z",
      "[\\t\\n]|    |  ",
      "\\p{N}",
      "[\\p{P}!-\\/:-@\\[-`\\{-~]",
      GPT2,
    ],
    addBos: true,
  },
  {
    names: ["kimi-k2"],
    patterns: [
      `\\p{Script=Han}+|${KIMI_BEFORE}${KIMI_UPPER}*${KIMI_LOWER}+(?:${CONTRACTION})?` +
        `|${KIMI_BEFORE}${KIMI_UPPER}+${KIMI_LOWER}*(?:${CONTRACTION})?|\\p{N}{1,3}` +
        `| ?[^${S}\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`,
    ],
  },
  { names: ["gemma4 granite-embed-multi-311m mmbert sarvam-moe"], patterns: [LINES], readsCharacters: true },
  { names: ["poro-chat bloom gpt3-finnish"], patterns: [BLOOM] },
  { names: ["viking"], patterns: [BLOOM, "\\p{N}"] },
  { names: ["tekken"], patterns: [gpt4o("\\p{N}", "")], ignoreMerges: true, addBos: true },
  {
    names: ["gpt-4o llama4 kanana2 talkie minimax-m2"],
    patterns: [gpt4o("\\p{N}{1,3}", `(?:${CONTRACTION})?`)],
  },
  {
    names: ["granite-embed-multi-97m"],
    patterns: [gpt4o("\\p{N}{1,3}", `(?:${CONTRACTION})?`)],
    ignoreMerges: true,
  },
  {
    names: ["tiny_aya cohere2moe"],
    patterns: [THREES_AYA, gpt4o("\\p{N}{1,3}", `(?:${CONTRACTION})?`)],
  },
  {
    names: ["seed-coder"],
    patterns: [`${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^${S}\\p{L}\\p{N}\\r\\n]+|${SPACES}`],
  },
];

const BY_NAME: ReadonlyMap<string, Entry> = new Map(
  ENTRIES.flatMap((entry) => entry.names.flatMap((names) => names.split(" ")).map((name) => [name, entry])),
);

/** The names that {@link ggufPreTokenizer} knows, in alphabetical order. */
export const PRE_TOKENIZER_NAMES: readonly string[] = [...BY_NAME.keys()].sort();

/**
 * The pre-tokenizer of that name, with expressions of its own (they hold state while they match).
 * @throws MilletError TOKENIZER_UNSUPPORTED for a name that is not known
 */
export function ggufPreTokenizer(name: string): GgufPreTokenizer {
  const entry = BY_NAME.get(name);
  if (entry === undefined) {
    throw new MilletError(
      "TOKENIZER_UNSUPPORTED",
      `The vocabulary asks for the pre-tokenizer ${JSON.stringify(name.slice(0, 80))}, which Millet does not know; ` +
        `it knows ${PRE_TOKENIZER_NAMES.join(", ")}.`,
      { details: { preTokenizer: name } },
    );
  }
  return {
    patterns: entry.patterns.map((pattern) =>
      typeof pattern === "string" ? regExpPattern(new RegExp(pattern, "gu")) : linearPattern(pattern.linear),
    ),
    ignoreMerges: entry.ignoreMerges ?? false,
    addBos: entry.addBos ?? false,
    addSep: entry.addSep ?? false,
    readsCharacters: entry.readsCharacters ?? false,
  };
}
