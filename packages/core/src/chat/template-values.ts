/**
 * The values that a template computes with, and Python's rules for them: truth, equality, how they print. Lists
 * and dictionaries are never changed once made (transformers renders in an immutable sandbox).
 */
import { MilletError } from "../errors.js";
import type { TemplateBudget } from "./template-budget.js";
import { EMPTY, Text } from "./template-text.js";

/** A number that Python would call a float; plain numbers are its integers. */
export class Float {
  constructor(readonly value: number) {}
}

export class List {
  constructor(
    readonly items: readonly Value[],
    readonly isTuple = false,
  ) {}
}

/** A dictionary with text keys, in order. */
export class Dict {
  readonly entries = new Map<string, readonly [key: Text, value: Value]>();

  static of(pairs: Iterable<readonly [Text, Value]>): Dict {
    const dict = new Dict();
    for (const pair of pairs) dict.entries.set(pair[0].value, pair);
    return dict;
  }

  get(key: string): Value | undefined {
    return this.entries.get(key)?.[1];
  }
}

/** What `namespace()` makes: the one thing whose attributes a template can set. */
export class Namespace {
  readonly attributes = new Map<string, Value>();
}

/** The `loop` of a for statement. */
export class Loop {
  constructor(
    readonly items: readonly Value[],
    readonly index: number,
  ) {}
}

export interface CallArguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: CallArguments) => Value,
  ) {}
}

/** A name or attribute that does not exist; `name` is for messages. */
export class Undefined {
  constructor(readonly name: string) {}
}

export type Value =
  | null
  | boolean
  | number
  | Float
  | Text
  | List
  | Dict
  | Namespace
  | Loop
  | Callable
  | Undefined;

/** The failure of a template at run time. */
export function failed(message: string, cause?: unknown): MilletError {
  return new MilletError("TEMPLATE_FAILED", message, cause === undefined ? {} : { cause });
}

export function typeName(value: Value): string {
  if (value === null) return "none";
  if (typeof value === "boolean") return "a boolean";
  if (typeof value === "number") return "an integer";
  if (value instanceof Float) return "a float";
  if (value instanceof Text) return "text";
  if (value instanceof List) return value.isTuple ? "a tuple" : "a list";
  if (value instanceof Dict) return "a dictionary";
  if (value instanceof Namespace) return "a namespace";
  if (value instanceof Loop) return "a loop";
  if (value instanceof Callable) return `the function ${value.name}`;
  return `undefined (${value.name})`;
}

export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return value !== 0;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Text) return value.value !== "";
  if (value instanceof List) return value.items.length > 0;
  if (value instanceof Dict) return value.entries.size > 0;
  return true;
}

/** `value`, where nothing (other than None, which is a value) stands for what is missing. */
export function orUndefined(value: Value | undefined, name: string): Value {
  return value === undefined ? new Undefined(name) : value;
}

/** The number that a value is to arithmetic, or undefined; booleans are 0 and 1. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return value instanceof Float ? value.value : undefined;
}

export function equals(a: Value, b: Value, budget: TemplateBudget): boolean {
  budget.step();
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined || y !== undefined) return x === y;
  if (a instanceof Text) {
    if (!(b instanceof Text)) return false;
    budget.step(1 + (Math.min(a.length, b.length) >> 6));
    return a.value === b.value;
  }
  if (a instanceof Undefined) return b instanceof Undefined;
  if (a instanceof List && b instanceof List) {
    return (
      a.isTuple === b.isTuple &&
      a.items.length === b.items.length &&
      budget.nested(() => a.items.every((item, i) => equals(item, b.items[i]!, budget)))
    );
  }
  if (a instanceof Dict && b instanceof Dict) {
    if (a.entries.size !== b.entries.size) return false;
    return budget.nested(() =>
      [...a.entries].every(([key, [, value]]) => {
        const other = b.get(key);
        return other !== undefined && equals(value, other, budget);
      }),
    );
  }
  return a === b;
}

/** How Python's str() writes a value. */
export function toText(value: Value, budget: TemplateBudget): Text {
  if (value instanceof Text) return value;
  if (value === null) return new Text("None");
  if (typeof value === "boolean") return new Text(value ? "True" : "False");
  if (value instanceof Undefined) return EMPTY;
  if (typeof value === "number") return new Text(String(value));
  if (value instanceof Float) return new Text(floatText(value.value));
  const parts: Text[] = [];
  writeRepr(value, parts, budget);
  return Text.join(parts);
}

/** How Python's repr() writes a float: exponents from 1e16 up and below 1e-4, of two digits at least. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function writeRepr(value: Value, out: Text[], budget: TemplateBudget): void {
  budget.pieces(2, 0);
  if (value instanceof Text) {
    budget.text(value.length + 2);
    out.push(textRepr(value));
  } else if (value instanceof List) {
    const [open, close] = value.isTuple ? ["(", value.items.length === 1 ? ",)" : ")"] : ["[", "]"];
    writeItems(open, close, value.items, out, budget, (item) => writeRepr(item, out, budget));
  } else if (value instanceof Dict) {
    writeItems("{", "}", [...value.entries.values()], out, budget, ([key, item]) => {
      writeRepr(key, out, budget);
      out.push(new Text(": "));
      writeRepr(item, out, budget);
    });
  } else if (value instanceof Namespace || value instanceof Loop || value instanceof Callable) {
    out.push(new Text(`<${typeName(value)}>`));
  } else {
    out.push(value instanceof Undefined ? new Text("Undefined") : toText(value, budget));
  }
}

function writeItems<T>(
  open: string,
  close: string,
  items: readonly T[],
  out: Text[],
  budget: TemplateBudget,
  write: (item: T) => void,
): void {
  budget.text(2 + items.length * 2);
  out.push(new Text(open));
  budget.nested(() =>
    items.forEach((item, i) => {
      if (i > 0) out.push(new Text(", "));
      write(item);
    }),
  );
  out.push(new Text(close));
}

/** Python's repr() of text: single quotes unless only they occur. */
function textRepr(text: Text): Text {
  const quote = text.value.includes("'") && !text.value.includes('"') ? '"' : "'";
  const escaped = text.value
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t")
    .replaceAll(quote, `\\${quote}`);
  return Text.join([new Text(quote), Text.from(escaped, text), new Text(quote)]);
}
