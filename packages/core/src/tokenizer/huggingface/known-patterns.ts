/**
 * Expressions that published tokenizer.json files spell out, and the same for JavaScript. These run on the engine of
 * the platform, and each was seen to take time linear in the text; others go to an engine that guarantees it.
 */
import { CONTRACTION, DEEPSEEK_V3, GPT2, gpt4o, LLAMA3, QWEN2 } from "../word-patterns.js";

const CASES = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const LETTERS = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
const SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const BEFORE = "[^\\r\\n\\p{L}\\p{N}]?";

function gpt4oSource(digits: string, cases: string): string {
  const words = `${BEFORE}${UPPER}*${LOWER}+${cases}|${BEFORE}${UPPER}+${LOWER}*${cases}`;
  return `${words}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`;
}

function gpt4Source(digits: string): string {
  return `${CASES}|${LETTERS}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`;
}

/** Oniguruma's syntax -> JavaScript's, with the flags "gu". */
export const KNOWN_PATTERNS: ReadonlyMap<string, string> = new Map([
  ["'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", GPT2],
  [gpt4Source("\\p{N}"), QWEN2],
  [gpt4Source("\\p{N}{1,3}"), LLAMA3],
  [gpt4oSource("\\p{N}", ""), gpt4o("\\p{N}", "")],
  [gpt4oSource("\\p{N}{1,3}", `${CASES}?`), gpt4o("\\p{N}{1,3}", `(?:${CONTRACTION})?`)],
  ["\\p{N}{1,3}", "\\p{N}{1,3}"],
  ["\\p{N}", "\\p{N}"],
  ["[0-9]", "[0-9]"],
  [" ?[^\\s\\p{L}\\p{N}]+", " ?[^\\p{White_Space}\\p{L}\\p{N}]+"],
  ["[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", "[\\u4e00-\\u9fa5\\u3040-\\u309f\\u30a0-\\u30ff]+"],
  [
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+" +
      "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
    DEEPSEEK_V3,
  ],
  [" {2,}", " {2,}"],
]);
