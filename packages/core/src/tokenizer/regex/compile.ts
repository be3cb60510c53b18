/** Expressions to instructions, each of which names the next one. Repetitions are written out, up to a size. */
import { CharSet } from "./char-set.js";
import { type Assertion, type Expression, ExpressionError } from "./parse.js";

export type Instruction =
  | { readonly op: "match" }
  | { readonly op: "set"; readonly set: CharSet; readonly next: number }
  | { readonly op: "assert"; readonly assertion: Assertion; readonly next: number }
  | { readonly op: "atomic"; readonly entry: number; readonly next: number }
  | {
      readonly op: "look";
      readonly entry: number;
      readonly isAhead: boolean;
      readonly isNegative: boolean;
      /** Behind: how many characters. */
      readonly length: number;
      readonly next: number;
    }
  /** Tries one and then the other. `index` counts the choices. */
  | { readonly op: "choose"; first: number; second: number; readonly index: number };

export interface Program {
  readonly instructions: readonly Instruction[];
  readonly start: number;
  readonly choices: number;
}

const MAX_INSTRUCTIONS = 10_000;
const MAX_SETS = 64;
const MATCH = 0;

/** @throws ExpressionError */
export function compileExpression(expression: Expression): Program {
  const compiler = new Compiler();
  const start = compiler.emit(expression, MATCH);
  return { instructions: compiler.instructions, start, choices: compiler.choices };
}

class Compiler {
  readonly instructions: Instruction[] = [{ op: "match" }];
  choices = 0;
  private readonly sets = new Map<Expression, CharSet>();

  /** Adds instructions that go on at `next`; returns the first. */
  emit(expression: Expression, next: number): number {
    switch (expression.type) {
      case "set":
        return this.add({ op: "set", set: this.set(expression), next });
      case "assert":
        return this.add({ op: "assert", assertion: expression.assertion, next });
      case "sequence":
        return expression.items.reduceRight((after, item) => this.emit(item, after), next);
      case "choice":
        return this.choice(expression.items.map((item) => this.emit(item, next)));
      case "repeat":
        return this.repeat(expression, next);
      case "atomic":
        return this.add({ op: "atomic", entry: this.emit(expression.item, MATCH), next });
      case "look": {
        const { item, isAhead, isNegative } = expression;
        const length = isAhead ? 0 : lengthOf(item);
        return this.add({ op: "look", entry: this.emit(item, MATCH), isAhead, isNegative, length, next });
      }
      default:
        return expression satisfies never;
    }
  }

  private add(instruction: Instruction): number {
    if (this.instructions.length >= MAX_INSTRUCTIONS) throw new ExpressionError("it is too large");
    return this.instructions.push(instruction) - 1;
  }

  private set(expression: Expression & { readonly type: "set" }): CharSet {
    let set = this.sets.get(expression);
    if (set === undefined) {
      if (this.sets.size >= MAX_SETS * 4) throw new ExpressionError("it has too many sets");
      this.sets.set(expression, (set = new CharSet(expression.test)));
    }
    return set;
  }

  private choose(first: number, second: number): number {
    return this.add({ op: "choose", first, second, index: this.choices++ });
  }

  private choice(entries: readonly number[]): number {
    return entries.slice(0, -1).reduceRight((rest, entry) => this.choose(entry, rest), entries.at(-1)!);
  }

  private repeat({ item, min, max, isLazy }: Expression & { readonly type: "repeat" }, next: number): number {
    let entry = next;
    const either = (more: number) => (isLazy ? this.choose(next, more) : this.choose(more, next));
    if (max === Number.POSITIVE_INFINITY) {
      entry = this.choose(next, next);
      const loop = this.instructions[entry]!;
      const body = this.emit(item, entry);
      if (loop.op === "choose") loop[isLazy ? "second" : "first"] = body;
    } else {
      for (let i = min; i < max; i++) entry = either(this.emit(item, entry));
    }
    for (let i = 0; i < min; i++) entry = this.emit(item, entry);
    return entry;
  }
}

/** How many characters an expression takes, for looking behind. @throws ExpressionError unless it is always as many */
function lengthOf(expression: Expression): number {
  switch (expression.type) {
    case "set":
      return 1;
    case "assert":
    case "look":
      return 0;
    case "sequence":
      return expression.items.reduce((sum, item) => sum + lengthOf(item), 0);
    case "atomic":
      return lengthOf(expression.item);
    case "choice": {
      const lengths = new Set(expression.items.map(lengthOf));
      if (lengths.size === 1) return [...lengths][0]!;
      break;
    }
    case "repeat":
      if (expression.min === expression.max) return expression.min * lengthOf(expression.item);
      break;
    default:
      return expression satisfies never;
  }
  throw new ExpressionError("it looks behind for texts of several lengths");
}
