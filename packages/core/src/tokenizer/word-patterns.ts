/**
 * The expressions by which byte-level BPE vocabularies cut text into words, written for JavaScript: Node 22 does not
 * parse "(?i:", and JavaScript's \s has U+FEFF and lacks U+0085, where these vocabularies mean White_Space. Each runs in
 * time linear in the text. GGUF files name them, tokenizer.json spells them out.
 */

export const S = "\\p{White_Space}";
// The long s is an s without its case.
export const CONTRACTION = "'(?:[sS\\u017ftTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])";
export const SPACES = `${S}*[\\r\\n]+|${S}+(?!\\P{White_Space})|${S}+`;
export const CJK = "[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff]+";

export const GPT2 =
  `'(?:[stmd]|re|ve|ll)| ?\\p{L}+| ?\\p{N}+| ?[^${S}\\p{L}\\p{N}]+` + `|${S}+(?!\\P{White_Space})|${S}+`;

/** The family of GPT-4's pattern: `digits` in a group, `tail` after punctuation. */
export function gpt4(digits: string, tail = "[\\r\\n]*"): string {
  return `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^${S}\\p{L}\\p{N}]+${tail}|${SPACES}`;
}

/** The family of GPT-4o's: words also end where lower case turns to upper case. */
export function gpt4o(digits: string, contraction: string): string {
  const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  const before = "[^\\r\\n\\p{L}\\p{N}]?";
  return (
    `${before}${upper}*${lower}+${contraction}|${before}${upper}+${lower}*${contraction}|${digits}` +
    `| ?[^${S}\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`
  );
}

/** Qwen 2: digits one by one. */
export const QWEN2 = gpt4("\\p{N}");
/** Llama 3, and GPT-4: digits in groups of up to three. */
export const LLAMA3 = gpt4("\\p{N}{1,3}");
/** DeepSeek V3, after its digits and its Chinese. */
export const DEEPSEEK_V3 =
  "[!-\\/:-@\\[-`\\{-~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+" +
  `| ?[\\p{P}\\p{S}]+[\\r\\n]*|${SPACES}`;
