/**
 * Parses expressions of Oniguruma's syntax as far as tokenizer.json files use it: sets, groups, quantifiers (lazy and
 * possessive too), look-around, anchors. What it does not know, it refuses.
 */
import {
  allOf,
  anyOf,
  type CharTest,
  DIGIT,
  ignoringCase,
  not,
  property,
  range,
  WHITE_SPACE,
  WORD,
} from "./char-set.js";

export type Assertion = "line-start" | "line-end" | "text-start" | "text-end" | "word" | "not-word";

export type Expression =
  | { readonly type: "set"; readonly test: CharTest }
  | { readonly type: "sequence"; readonly items: readonly Expression[] }
  | { readonly type: "choice"; readonly items: readonly Expression[] }
  | {
      readonly type: "repeat";
      readonly item: Expression;
      readonly min: number;
      readonly max: number;
      readonly isLazy: boolean;
    }
  | { readonly type: "atomic"; readonly item: Expression }
  | {
      readonly type: "look";
      readonly item: Expression;
      readonly isAhead: boolean;
      readonly isNegative: boolean;
    }
  | { readonly type: "assert"; readonly assertion: Assertion };

/** Why an expression was refused, one clause. */
export class ExpressionError extends Error {}

const MAX_DEPTH = 100;
const MAX_REPEAT = 1000;
const ESCAPED: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7, e: 27, "0": 0 };
const CLASSES: Readonly<Record<string, CharTest>> = {
  s: WHITE_SPACE,
  S: not(WHITE_SPACE),
  d: DIGIT,
  D: not(DIGIT),
  w: WORD,
  W: not(WORD),
  h: anyOf([range(48, 57), range(65, 70), range(97, 102)]),
};
const ANCHORS: Readonly<Record<string, Assertion>> = {
  A: "text-start",
  z: "text-end",
  b: "word",
  B: "not-word",
};

/** @throws ExpressionError */
export function parseExpression(source: string): Expression {
  const parser = new Parser(source);
  const expression = parser.choice();
  if (!parser.isAtEnd) throw new ExpressionError("it has a ) without its (");
  return expression;
}

class Parser {
  private readonly points: readonly string[];
  private at = 0;
  private depth = 0;
  private ignoresCase = false;

  constructor(source: string) {
    this.points = [...source];
  }

  get isAtEnd(): boolean {
    return this.at >= this.points.length;
  }

  private take(text: string): boolean {
    const units = [...text];
    if (!units.every((unit, i) => this.points[this.at + i] === unit)) return false;
    this.at += units.length;
    return true;
  }

  private next(): string {
    const point = this.points[this.at++];
    if (point === undefined) throw new ExpressionError("it ends too early");
    return point;
  }

  choice(): Expression {
    if (++this.depth > MAX_DEPTH) throw new ExpressionError("it is nested too deeply");
    const outer = this.ignoresCase;
    const items = [this.sequence()];
    while (this.take("|")) items.push(this.sequence());
    this.ignoresCase = outer;
    this.depth--;
    return items.length === 1 ? items[0]! : { type: "choice", items };
  }

  private sequence(): Expression {
    const items: Expression[] = [];
    while (!this.isAtEnd && this.points[this.at] !== "|" && this.points[this.at] !== ")") {
      items.push(this.quantified(this.atom()));
    }
    return items.length === 1 ? items[0]! : { type: "sequence", items };
  }

  private quantified(atom: Expression): Expression {
    let item = atom;
    for (;;) {
      const simple = this.take("*")
        ? [0, Infinity]
        : this.take("+")
          ? [1, Infinity]
          : this.take("?")
            ? [0, 1]
            : undefined;
      const [min, max] = simple ?? this.interval() ?? [];
      if (min === undefined || max === undefined) return item;
      const isExact = simple === undefined && min === max;
      const isLazy = !isExact && this.take("?");
      item = { type: "repeat", item, min, max, isLazy };
      // Of intervals a "+" is a quantifier of its own.
      if (simple !== undefined && !isLazy && this.take("+")) item = { type: "atomic", item };
    }
  }

  /** {n}, {n,}, {n,m}, {,m}; undefined if what follows is none, and then a "{" is a character. */
  private interval(): readonly [number, number] | undefined {
    if (this.points[this.at] !== "{") return undefined;
    const match = /^\{(\d*)(,?)(\d*)\}/.exec(this.points.slice(this.at, this.at + 16).join(""));
    if (match === null || (match[1] === "" && match[3] === "")) return undefined;
    this.at += match[0].length;
    const min = Number(match[1] || 0);
    const max = match[2] === "" ? min : match[3] === "" ? Infinity : Number(match[3]);
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT) || min > max) {
      throw new ExpressionError(`it repeats ${match[0]}`);
    }
    return [min, max];
  }

  private atom(): Expression {
    const point = this.next();
    switch (point) {
      case ".":
        return { type: "set", test: not(range(10, 10)) };
      case "^":
        return { type: "assert", assertion: "line-start" };
      case "$":
        return { type: "assert", assertion: "line-end" };
      case "[":
        return this.set(this.classBody());
      case "(":
        return this.group();
      case "\\":
        return this.escape();
      case "*":
      case "+":
      case "?":
        throw new ExpressionError(`it repeats nothing with ${point}`);
      default:
        return this.set(single(point));
    }
  }

  private set(test: CharTest): Expression {
    return { type: "set", test: this.ignoresCase ? ignoringCase(test) : test };
  }

  private group(): Expression {
    const outer = this.ignoresCase;
    let wrap = (item: Expression): Expression => item;
    if (this.take("?")) {
      if (this.take("=")) wrap = look(true, false);
      else if (this.take("!")) wrap = look(true, true);
      else if (this.take("<=")) wrap = look(false, false);
      else if (this.take("<!")) wrap = look(false, true);
      else if (this.take(">")) wrap = (item) => ({ type: "atomic", item });
      else if (this.take("i:")) this.ignoresCase = true;
      else if (this.take("-i:")) this.ignoresCase = false;
      else if (this.take("i)")) {
        this.ignoresCase = true;
        return { type: "sequence", items: [] };
      } else if (!this.take(":")) throw new ExpressionError("it has a group (? of a kind that is not known");
    }
    const item = this.choice();
    if (!this.take(")")) throw new ExpressionError("it has a ( without its )");
    this.ignoresCase = outer;
    return wrap(item);
  }

  private escape(): Expression {
    const anchor = ANCHORS[this.points[this.at] ?? ""];
    if (anchor !== undefined) {
      this.at++;
      return { type: "assert", assertion: anchor };
    }
    return this.set(this.escapedSet());
  }

  /** What follows a backslash, in sets and outside. */
  private escapedSet(): CharTest {
    const point = this.next();
    const known = CLASSES[point];
    if (known !== undefined) return known;
    if (point === "p" || point === "P") return this.property(point === "P");
    const code = this.escapedPoint(point);
    return range(code, code);
  }

  private escapedPoint(point: string): number {
    const known = ESCAPED[point];
    if (known !== undefined) return known;
    if (point === "x" || point === "u") return this.hex(point);
    if (/[A-Za-z1-9]/.test(point)) throw new ExpressionError(`it has \\${point}, which is not known`);
    return point.codePointAt(0)!;
  }

  /** \xHH, \x{H...}, \uHHHH */
  private hex(kind: string): number {
    const rest = this.points.slice(this.at, this.at + 10).join("");
    const match = (kind === "u" ? /^([0-9A-Fa-f]{4})/ : /^(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/).exec(
      rest,
    );
    const value = match === null ? Number.NaN : Number.parseInt(match[1] ?? match[2]!, 16);
    if (!(value <= 0x10ffff)) throw new ExpressionError(`it has \\${kind} without a character's number`);
    this.at += match![0].length;
    return value;
  }

  private property(isNegated: boolean): CharTest {
    let name = this.next();
    if (name === "{") {
      name = "";
      for (let point = this.next(); point !== "}"; point = this.next()) name += point;
    }
    const isInverted = name.startsWith("^");
    const test = property(isInverted ? name.slice(1) : name);
    if (test === undefined)
      throw new ExpressionError(`it has the property ${name.slice(0, 40)}, which is not known`);
    return isNegated !== isInverted ? not(test) : test;
  }

  /** What follows "[", up to its "]". */
  private classBody(): CharTest {
    if (++this.depth > MAX_DEPTH) throw new ExpressionError("it is nested too deeply");
    const isNegated = this.take("^");
    const intersected: CharTest[] = [];
    let members: CharTest[] = [];
    let isFirst = true;
    while (isFirst || this.points[this.at] !== "]") {
      isFirst = false;
      if (this.take("&&")) {
        intersected.push(anyOf(members));
        members = [];
      } else members.push(this.member());
    }
    this.at++;
    this.depth--;
    intersected.push(anyOf(members));
    const test = allOf(intersected);
    return isNegated ? not(test) : test;
  }

  private member(): CharTest {
    if (this.take("[:")) return this.posix();
    const point = this.next();
    if (point === "[") return this.classBody();
    let first = point.codePointAt(0)!;
    if (point === "\\") {
      const next = this.points[this.at] ?? "";
      if (next in CLASSES || next === "p" || next === "P") return this.escapedSet();
      first = this.escapedPoint(this.next());
    }
    if (this.points[this.at] !== "-" || this.points[this.at + 1] === "]") return range(first, first);
    this.at++;
    const end = this.next();
    if (end === "[" || (end === "\\" && (this.points[this.at] ?? "") in CLASSES)) {
      throw new ExpressionError("it has a range that ends in a set");
    }
    const last = end === "\\" ? this.escapedPoint(this.next()) : end.codePointAt(0)!;
    if (last < first) throw new ExpressionError("it has a range that ends before it starts");
    return range(first, last);
  }

  /** [:name:] */
  private posix(): CharTest {
    const isNegated = this.take("^");
    let name = "";
    while (!this.take(":]")) name += this.next();
    const test = property(name);
    if (test === undefined)
      throw new ExpressionError(`it has the class ${name.slice(0, 40)}, which is not known`);
    return isNegated ? not(test) : test;
  }
}

function single(point: string): CharTest {
  const code = point.codePointAt(0)!;
  return range(code, code);
}

function look(isAhead: boolean, isNegative: boolean): (item: Expression) => Expression {
  return (item) => ({ type: "look", item, isAhead, isNegative });
}
