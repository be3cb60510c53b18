/**
 * Runs an expression by backtracking that never tries the same place of it at the same place of the text twice, so the
 * time is linear in the text whatever the expression (Davis et al. 2021, "Using Selective Memoization to Defeat Regular
 * Expression Denial of Service"). The first match by the order of its choices wins, as with other backtracking engines.
 */
import type { TextPattern } from "../pre-tokenizers/split.js";
import { WORD } from "./char-set.js";
import { compileExpression, type Instruction, type Program } from "./compile.js";
import { parseExpression } from "./parse.js";

/** @throws ExpressionError */
export function linearPattern(source: string): TextPattern {
  return new Matcher(compileExpression(parseExpression(source)));
}

class Matcher implements TextPattern {
  private text = "";
  /** A bit for each choice at each place of the text: it was tried and led nowhere. */
  private failed = new Uint8Array(0);
  /** The same for choices within look-around and atomic groups: where the match ended, or -1. */
  private readonly outcomes = new Map<number, number>();
  private readonly waiting: number[] = []; // instruction and place of the choices not yet taken

  constructor(private readonly program: Program) {}

  find(text: string, from: number): readonly [start: number, end: number] | undefined {
    if (text !== this.text) this.begin(text);
    for (let start = from; start < text.length; start += sizeAt(text, start)) {
      const end = this.run(this.program.start, start);
      if (end > start) {
        this.forget(end);
        return [start, end];
      }
      if (end === start) this.forget(end);
    }
    this.begin("");
    return undefined;
  }

  private begin(text: string): void {
    this.text = text;
    const bytes = Math.ceil(((text.length + 1) * this.program.choices) / 8);
    if (bytes > this.failed.length || (bytes === 0 && this.failed.length > 2 ** 16))
      this.failed = new Uint8Array(bytes);
    else this.failed.fill(0, 0, bytes);
    this.outcomes.clear();
  }

  /** What was tried where a match ended was part of it: it did not lead nowhere. Before that, no one looks again. */
  private forget(place: number): void {
    const { choices } = this.program;
    for (let bit = place * choices; bit < (place + 1) * choices; bit++)
      this.failed[bit >>> 3]! &= ~(1 << (bit & 7));
  }

  /** The end of the match that starts at `start`, or -1. */
  private run(entry: number, start: number): number {
    const { instructions, choices } = this.program;
    const { waiting, failed } = this;
    waiting.length = 0;
    let pc = entry;
    let place = start;
    for (;;) {
      const instruction = instructions[pc]!;
      if (instruction.op === "match") return place;
      if (instruction.op === "choose") {
        const bit = place * choices + instruction.index;
        const mask = 1 << (bit & 7);
        if ((failed[bit >>> 3]! & mask) === 0) {
          failed[bit >>> 3]! |= mask;
          waiting.push(instruction.second, place);
          pc = instruction.first;
          continue;
        }
      } else {
        const after = this.step(instruction, place);
        if (after >= 0) {
          place = after;
          pc = instruction.next;
          continue;
        }
      }
      if (waiting.length === 0) return -1;
      place = waiting.pop()!;
      pc = waiting.pop()!;
    }
  }

  /** The place after an instruction that is no choice, or -1. */
  private step(instruction: Exclude<Instruction, { op: "choose" | "match" }>, place: number): number {
    const { text } = this;
    switch (instruction.op) {
      case "set": {
        if (place >= text.length) return -1;
        const point = text.codePointAt(place)!;
        return instruction.set.has(point) ? place + (point > 0xffff ? 2 : 1) : -1;
      }
      case "assert":
        return holds(instruction.assertion, text, place) ? place : -1;
      case "atomic":
        return this.runInner(instruction.entry, place);
      case "look": {
        const from = instruction.isAhead ? place : stepBack(text, place, instruction.length);
        const found = from >= 0 && this.runInner(instruction.entry, from) >= 0;
        return found !== instruction.isNegative ? place : -1;
      }
      default:
        return instruction satisfies never;
    }
  }

  /** As run, for what is asked for at many places: outcomes of choices are kept, failures and successes alike. */
  private runInner(entry: number, start: number): number {
    const { instructions, choices } = this.program;
    const keys: number[] = []; // the choices that led here, each once
    const seconds: number[] = []; // and the instruction to try next, or -1
    let pc = entry;
    let place = start;
    for (;;) {
      const instruction = instructions[pc]!;
      let end: number | undefined;
      if (instruction.op === "match") end = place;
      else if (instruction.op === "choose") {
        const key = place * choices + instruction.index;
        end = this.outcomes.get(key);
        if (end === undefined) {
          this.outcomes.set(key, -1); // while it is open, coming back here leads nowhere
          keys.push(key);
          seconds.push(instruction.second);
          pc = instruction.first;
          continue;
        }
      } else {
        const after = this.step(instruction, place);
        if (after >= 0) {
          place = after;
          pc = instruction.next;
          continue;
        }
        end = -1;
      }
      if (end >= 0) {
        for (const key of keys) this.outcomes.set(key, end);
        return end;
      }
      while (seconds.length > 0 && seconds.at(-1) === -1) {
        seconds.pop();
        keys.pop();
      }
      if (seconds.length === 0) return -1;
      pc = seconds[seconds.length - 1]!;
      seconds[seconds.length - 1] = -1;
      place = Math.floor(keys[keys.length - 1]! / choices);
    }
  }
}

function holds(assertion: string, text: string, place: number): boolean {
  switch (assertion) {
    case "line-start":
      return place === 0 || text[place - 1] === "\n";
    case "line-end":
      return place === text.length || text[place] === "\n";
    case "text-start":
      return place === 0;
    case "text-end":
      return place === text.length;
    default: {
      const before = place > 0 && WORD(text.codePointAt(stepBack(text, place, 1))!);
      const after = place < text.length && WORD(text.codePointAt(place)!);
      return (before !== after) === (assertion === "word");
    }
  }
}

function sizeAt(text: string, at: number): number {
  return text.codePointAt(at)! > 0xffff ? 2 : 1;
}

/** The place `characters` before `place`, or -1. */
function stepBack(text: string, place: number, characters: number): number {
  let at = place;
  for (let i = 0; i < characters; i++) {
    if (at === 0) return -1;
    at--;
    if (at > 0 && (text.charCodeAt(at) & 0xfc00) === 0xdc00) at--;
  }
  return at;
}
