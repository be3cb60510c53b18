/** Patterns of tokenizer.json: a plain string, or an expression of Oniguruma's syntax. */
import { regExpPattern, stringPattern, type TextPattern } from "../pre-tokenizers/split.js";
import { linearPattern } from "../regex/matcher.js";
import { ExpressionError } from "../regex/parse.js";
import { type JsonFields, unsupportedOption } from "./json-fields.js";
import { KNOWN_PATTERNS } from "./known-patterns.js";

/** The pattern in the field `pattern`: {"String": ...} or {"Regex": ...}. */
export function readPattern(fields: JsonFields): TextPattern {
  const pattern = fields.object("pattern");
  const plain = pattern.optionalString("String");
  if (plain !== undefined) return stringPattern(plain);
  const source = pattern.string("Regex");
  const known = KNOWN_PATTERNS.get(source);
  if (known !== undefined) return regExpPattern(new RegExp(known, "gu"));
  try {
    return linearPattern(source);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw unsupportedOption(
      fields,
      `has the expression ${JSON.stringify(source.slice(0, 200))}, which Millet cannot run: ${error.message}`,
    );
  }
}

/** The plain string in the field `pattern`, or undefined if it is an expression. */
export function plainPattern(fields: JsonFields): string | undefined {
  return fields.object("pattern").optionalString("String");
}
