/** The field `pre_tokenizer` of tokenizer.json. */
import { type PreTokenizer, sequencePreTokenizer } from "../parts.js";
import { byteSymbolWords, gpt2Words, spacePrefix } from "../pre-tokenizers/byte-level.js";
import { metaspace } from "../pre-tokenizers/metaspace.js";
import { SPLIT_BEHAVIORS, type SplitBehavior, split, stringPattern } from "../pre-tokenizers/split.js";
import {
  bertWords,
  digits,
  fixedLength,
  punctuation,
  whitespaceSplit,
  whitespaceWords,
} from "../pre-tokenizers/words.js";
import { type JsonFields, unsupportedComponent } from "./json-fields.js";
import { readPattern } from "./patterns.js";

const READERS: Readonly<Record<string, (fields: JsonFields) => PreTokenizer>> = {
  Whitespace: () => whitespaceWords(),
  WhitespaceSplit: () => whitespaceSplit(),
  BertPreTokenizer: () => bertWords(),
  Punctuation: (fields) => punctuation(readBehavior(fields, "Isolated")),
  Digits: (fields) => digits(fields.boolean("individual_digits", false)),
  FixedLength: (fields) => fixedLength(fields.integer("length", 5, 1)),
  CharDelimiterSplit: (fields) => split(stringPattern(fields.string("delimiter")), "Removed"),
  Split: (fields) => split(readPattern(fields), readBehavior(fields), fields.boolean("invert", false)),
  Metaspace: readMetaspace,
  ByteLevel: (fields) => sequencePreTokenizer([byteLevelWords(fields), byteSymbolWords]),
  Sequence: (fields) => sequencePreTokenizer(fields.objects("pretokenizers").map(readPart)),
};

/** How text is cut, and whether the model gets bytes: then the last step, writing them as symbols, is left to it. */
export interface Words {
  readonly preTokenizer: PreTokenizer;
  readonly isByteLevel: boolean;
}

/** @throws MilletError TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED */
export function readPreTokenizer(fields: JsonFields | undefined): Words {
  const steps = fields === undefined ? [] : flatten(fields);
  const last = steps.at(-1);
  if (last?.type !== "ByteLevel") {
    return { preTokenizer: sequencePreTokenizer(steps.map(readPart)), isByteLevel: false };
  }
  const parts = [...steps.slice(0, -1).map(readPart), byteLevelWords(last)];
  return { preTokenizer: sequencePreTokenizer(parts), isByteLevel: true };
}

function flatten(fields: JsonFields): JsonFields[] {
  return fields.type === "Sequence" ? fields.objects("pretokenizers").flatMap(flatten) : [fields];
}

function readPart(fields: JsonFields): PreTokenizer {
  const read = Object.hasOwn(READERS, fields.type) ? READERS[fields.type] : undefined;
  if (read === undefined) throw unsupportedComponent(fields, Object.keys(READERS));
  return read(fields);
}

function byteLevelWords(fields: JsonFields): PreTokenizer {
  const parts: PreTokenizer[] = [];
  if (fields.boolean("add_prefix_space", true)) parts.push(spacePrefix);
  if (fields.boolean("use_regex", true)) parts.push(gpt2Words());
  return sequencePreTokenizer(parts);
}

const PREPENDS = ["always", "first", "never"] as const;

function readMetaspace(fields: JsonFields): PreTokenizer {
  const symbol = fields.optionalString("replacement") ?? "\u2581";
  const scheme = fields.optionalString("prepend_scheme");
  const prepends = PREPENDS.find((name) => name === (scheme ?? "always"));
  if (prepends === undefined) throw fields.fail("prepend_scheme", `one of ${PREPENDS.join(", ")}`);
  // Files from before prepend_scheme.
  const never = scheme === undefined && !fields.boolean("add_prefix_space", true);
  return metaspace({ symbol, prepends: never ? "never" : prepends, splits: fields.boolean("split", true) });
}

function readBehavior(fields: JsonFields, fallback?: SplitBehavior): SplitBehavior {
  const name = fields.optionalString("behavior") ?? fallback;
  const behavior = SPLIT_BEHAVIORS.find((known) => known === name);
  if (behavior === undefined) throw fields.fail("behavior", `one of ${SPLIT_BEHAVIORS.join(", ")}`);
  return behavior;
}
