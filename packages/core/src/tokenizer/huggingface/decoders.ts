/** The field `decoder` of tokenizer.json. What it does to a token may not depend on the tokens around it. */
import { type PieceRules, type PieceStep, wordPieceStep } from "../decoders.js";
import { replace, replaceString } from "../normalizers/text.js";
import { type JsonFields, unsupportedComponent, unsupportedOption } from "./json-fields.js";
import { plainPattern, readPattern } from "./patterns.js";

/** What has been read of a chain so far. */
interface Chain {
  steps: PieceStep[];
  bytes: PieceRules["bytes"];
  removesLeadingSpace: boolean;
  /** The tokens are one text from here on. */
  isFused: boolean;
}

const READERS: Readonly<Record<string, (fields: JsonFields, chain: Chain) => void>> = {
  ByteLevel: (_, chain) => {
    chain.bytes = "symbols";
  },
  ByteFallback: (_, chain) => {
    chain.bytes = "tokens";
  },
  Fuse: (_, chain) => {
    chain.isFused = true;
  },
  Replace: (fields, chain) => {
    const plain = plainPattern(fields);
    const content = fields.string("content");
    // In one text, a match could lie across tokens; of one character it cannot.
    if (chain.isFused && plain?.length !== 1) {
      throw unsupportedOption(fields, "replaces a pattern across tokens");
    }
    chain.steps.push(
      plain === undefined ? replace(readPattern(fields), content) : replaceString(plain, content),
    );
  },
  Metaspace: (fields, chain) => {
    const symbol = fields.optionalString("replacement") ?? "\u2581";
    const scheme = fields.optionalString("prepend_scheme");
    const adds = scheme === undefined ? fields.boolean("add_prefix_space", true) : scheme !== "never";
    chain.steps.push(replaceString(symbol, " "));
    if (adds) chain.removesLeadingSpace = true;
  },
  WordPiece: (fields, chain) => {
    chain.steps.push(wordPieceStep(fields.optionalString("prefix") ?? "##", fields.boolean("cleanup", true)));
    chain.removesLeadingSpace = true;
  },
  Strip: readStrip,
  Sequence: (fields, chain) => {
    for (const part of fields.objects("decoders")) readPart(part, chain);
  },
};

/** @throws MilletError TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED */
export function readDecoder(fields: JsonFields | undefined): PieceRules {
  const chain: Chain = { steps: [], bytes: "none", removesLeadingSpace: false, isFused: false };
  if (fields !== undefined) readPart(fields, chain);
  else {
    // Without a decoder, tokens are words.
    chain.steps.push(wordPieceStep("", false));
    chain.removesLeadingSpace = true;
  }
  return chain;
}

function readPart(fields: JsonFields, chain: Chain): void {
  const read = Object.hasOwn(READERS, fields.type) ? READERS[fields.type] : undefined;
  if (read === undefined) throw unsupportedComponent(fields, Object.keys(READERS));
  read(fields, chain);
}

/** Up to `start` characters `content` at the start and `stop` at the end, of each token or of the text. */
function readStrip(fields: JsonFields, chain: Chain): void {
  const content = fields.string("content");
  const start = fields.integer("start", 0);
  const stop = fields.integer("stop", 0);
  if (chain.isFused) {
    if (content !== " " || start > 1 || stop > 0) {
      throw unsupportedOption(fields, "strips more than one leading space of the text");
    }
    if (start === 1) chain.removesLeadingSpace = true;
    return;
  }
  chain.steps.push((piece) => {
    let from = 0;
    let to = piece.length;
    for (let i = 0; i < start && content !== "" && piece.startsWith(content, from); i++)
      from += content.length;
    for (let i = 0; i < stop && to > from && content !== "" && piece.slice(0, to).endsWith(content); i++)
      to -= content.length;
    return piece.slice(from, Math.max(from, to));
  });
}
