/**
 * Template source to a tree, by @huggingface/jinja's lexer and parser with the settings that transformers uses
 * (trim_blocks, lstrip_blocks). Bounds the source so that parsing stays fast, and finds where it is wrong.
 */
import { parse, tokenize } from "@huggingface/jinja";
import { MilletError } from "../errors.js";
import type { TemplateProgram } from "./template-ast.js";

/** Real templates have at most some 20,000 characters. */
const MAX_SOURCE_LENGTH = 1 << 18;
/** The lexer looks for tags behind every run of white space, in quadratic time. */
const MAX_BLANK_RUN = 1000;
const LEXER_OPTIONS = { trim_blocks: true, lstrip_blocks: true };

/** @throws MilletError TEMPLATE_INVALID with the line where parsing stopped */
export function parseTemplate(source: string): TemplateProgram {
  if (source.length > MAX_SOURCE_LENGTH) {
    throw invalid(
      `it has ${source.length} characters, and at most ${MAX_SOURCE_LENGTH} are read`,
      source,
      undefined,
    );
  }
  const blanks = new RegExp(`\\s{${MAX_BLANK_RUN + 1}}`).exec(source);
  if (blanks !== null) {
    throw invalid(`it has more than ${MAX_BLANK_RUN} blanks in a row`, source, blanks.index);
  }
  let tokens: ReturnType<typeof tokenize>;
  try {
    tokens = tokenize(source, LEXER_OPTIONS);
  } catch (cause) {
    throw invalid(reason(cause), source, lexerPosition(source), cause);
  }
  try {
    return parse(tokens) as TemplateProgram;
  } catch (cause) {
    const stop = parserStop(tokens);
    throw invalid(
      reason(cause),
      source,
      stop === undefined ? undefined : positionOf(source, tokens, stop),
      cause,
    );
  }
}

function reason(cause: unknown): string {
  if (cause instanceof RangeError) return "its expressions are nested too deeply";
  // The parser reads past its last token where something is missing at the end.
  if (cause instanceof TypeError) return "it ends in the middle of a tag or block";
  return cause instanceof Error ? cause.message : String(cause);
}

function invalid(why: string, source: string, position: number | undefined, cause?: unknown): MilletError {
  const before = position === undefined ? undefined : source.slice(0, position).split("\n");
  const where = before === undefined ? "" : ` at line ${before.length}, column ${before.at(-1)!.length + 1}`;
  return new MilletError(
    "TEMPLATE_INVALID",
    `The chat template cannot be read${where}: ${why}. Correct it, or give another template.`,
    { cause, details: { position, line: before?.length } },
  );
}

const TAG = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}|\{#[\s\S]*?#\}|\{[{%#][\s\S]*$/g;

/** The start of the first tag that the lexer refuses by itself. */
function lexerPosition(source: string): number | undefined {
  for (const tag of source.matchAll(TAG)) {
    try {
      tokenize(tag[0], LEXER_OPTIONS);
    } catch {
      return tag.index; // the error itself is reported by the caller
    }
  }
  return undefined;
}

type Tokens = ReturnType<typeof tokenize>;

/** The furthest token that the parser looks at before it fails. */
function parserStop(tokens: Tokens): number | undefined {
  let furthest = 0;
  const watched = new Proxy(tokens, {
    get(target, key, receiver) {
      const index = typeof key === "string" ? Number(key) : Number.NaN;
      if (index > furthest) furthest = index;
      return Reflect.get(target, key, receiver);
    },
  });
  try {
    parse(watched);
  } catch {
    return furthest; // the same error as before; only the place is wanted
  }
  return undefined;
}

/** Where token `index` stands, found by walking through the source token by token. */
function positionOf(source: string, tokens: Tokens, index: number): number {
  let at = 0;
  for (let i = 0; i < Math.min(index, tokens.length); i++) {
    const token = tokens[i]!;
    // Strings may be written with escapes and text is trimmed: the next token finds the way again.
    if (token.type === "StringLiteral" || token.type === "Text") continue;
    const found = source.indexOf(token.value, at);
    if (found >= 0) at = found + token.value.length;
  }
  return Math.min(at, source.length);
}
