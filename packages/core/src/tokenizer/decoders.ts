/** How tokens are written as text: a chain of steps on each token, and what becomes of bytes. Holds no state. */
import { symbolsToBytes } from "./byte-symbols.js";
import { byteOfToken } from "./models/byte-tokens.js";
import type { PieceWriter } from "./parts.js";
import type { Vocabulary } from "./vocabulary.js";

/** The text of one token to the text that it adds. */
export type PieceStep = (piece: string) => string;

export interface PieceRules {
  readonly steps: readonly PieceStep[];
  /** How the vocabulary spells bytes: in GPT-2's alphabet, as tokens <0xXX>, or not at all. */
  readonly bytes: "symbols" | "tokens" | "none";
  readonly removesLeadingSpace: boolean;
}

const utf8 = new TextEncoder();

export class RulePieces implements PieceWriter {
  readonly removesLeadingSpace: boolean;

  constructor(
    private readonly vocabulary: Vocabulary,
    private readonly rules: PieceRules,
  ) {
    this.removesLeadingSpace = rules.removesLeadingSpace;
  }

  pieceBytes(id: number): Uint8Array {
    const { steps, bytes } = this.rules;
    const token = this.vocabulary.text(id);
    const kind = this.vocabulary.kind(id);
    if (bytes === "tokens") {
      const byte = kind === "byte" ? byteOfToken(token) : undefined;
      if (byte !== undefined) return Uint8Array.of(byte);
    }
    const text = steps.reduce((piece, step) => step(piece), token);
    // Added tokens are written plainly, all others in the byte alphabet.
    const isSpelled = bytes === "symbols" && (kind === "normal" || kind === "unused");
    return (isSpelled ? symbolsToBytes(text) : undefined) ?? utf8.encode(text);
  }
}

/** WordPiece: pieces that continue a word carry `prefix`; all others begin a word. `tidies` joins punctuation. */
export function wordPieceStep(prefix: string, tidies: boolean): PieceStep {
  const join: PieceStep = (piece) =>
    prefix !== "" && piece.startsWith(prefix) ? piece.slice(prefix.length) : ` ${piece}`;
  return tidies ? (piece) => tidied(join(piece)) : join;
}

const TIDY: readonly (readonly [string, string])[] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" do not", " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** English punctuation and contractions lose the space before them. */
export function tidied(piece: string): string {
  return TIDY.reduce((text, [from, to]) => text.replaceAll(from, to), piece);
}
