/**
 * The work that one rendering may do: steps (nodes and list elements visited) and text and lists made. Checked
 * before the work is done, so a hostile template stops within a second and with little memory.
 */
import { MilletError } from "../errors.js";

const MAX_STEPS = 2_000_000;
/** UTF-16 units of text; list elements and pieces of text count for more, as the objects that they are. */
const BASE_UNITS = 8_000_000;
/** Templates copy their input a few times: trim, split, concatenate. */
const UNITS_PER_INPUT_UNIT = 16;
/** Macros within macros; below what the JavaScript stack holds. */
const MAX_DEPTH = 100;
const UNITS_PER_ELEMENT = 16;
const UNITS_PER_PIECE = 24;

export class TemplateBudget {
  private steps = MAX_STEPS;
  private units: number;
  private depth = 0;

  /** @param inputLength UTF-16 units of all text given to the template */
  constructor(inputLength: number) {
    this.units = BASE_UNITS + inputLength * UNITS_PER_INPUT_UNIT;
  }

  /** @throws MilletError TEMPLATE_STEP_LIMIT (so do the others) */
  step(count = 1): void {
    this.steps -= count;
    if (!(this.steps >= 0)) throw limit(`takes more than ${MAX_STEPS} steps`);
  }

  /** Text of this length will be made. */
  text(length: number): void {
    this.units -= length;
    if (!(this.units >= 0)) throw limit("makes too much text");
  }

  /** A list of this length will be made. */
  list(length: number): void {
    this.step(length);
    this.text(length * UNITS_PER_ELEMENT);
  }

  /** This many pieces of text will be made, of this length in all. */
  pieces(count: number, length: number): void {
    this.step(count);
    this.text(count * UNITS_PER_PIECE + length);
  }

  /** Runs a macro or a nested conversion. */
  nested<T>(run: () => T): T {
    if (++this.depth > MAX_DEPTH) throw limit(`nests deeper than ${MAX_DEPTH} levels`);
    try {
      return run();
    } finally {
      this.depth--;
    }
  }
}

function limit(what: string): MilletError {
  return new MilletError(
    "TEMPLATE_STEP_LIMIT",
    `The chat template was stopped, since it ${what}: it may never end. Use another template, or a shorter conversation.`,
  );
}
