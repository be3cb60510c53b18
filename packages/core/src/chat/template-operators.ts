/** Operators: arithmetic, comparison, membership, concatenation, slices, with Python's rules. */
import type { TemplateBudget } from "./template-budget.js";
import { escapeHtml } from "./template-strings.js";
import { Text } from "./template-text.js";
import {
  Dict,
  equals,
  Float,
  failed,
  isTrue,
  List,
  Namespace,
  numberOf,
  toText,
  typeName,
  Undefined,
  type Value,
} from "./template-values.js";

/** Every binary operator but `and` and `or`, which decide whether their right side is evaluated. */
export function binary(operator: string, left: Value, right: Value, budget: TemplateBudget): Value {
  switch (operator) {
    case "==":
      return equals(left, right, budget);
    case "!=":
      return !equals(left, right, budget);
    case "in":
      return contains(right, left, budget);
    case "not in":
      return !contains(right, left, budget);
    case "~":
      return concatenate(toText(left, budget), toText(right, budget), budget);
    case "<":
      return compare(left, right, operator) < 0;
    case ">":
      return compare(left, right, operator) > 0;
    case "<=":
      return compare(left, right, operator) <= 0;
    case ">=":
      return compare(left, right, operator) >= 0;
    default:
      return arithmetic(operator, left, right, budget);
  }
}

export function concatenate(left: Text, right: Text, budget: TemplateBudget): Text {
  budget.text(left.length + right.length);
  if (!left.isMarkup && !right.isMarkup) return Text.join([left, right]);
  const joined = Text.join([escapeHtml(left, budget), escapeHtml(right, budget)]);
  return new Text(joined.value, joined.untrusted, true);
}

export function contains(container: Value, item: Value, budget: TemplateBudget): boolean {
  if (container instanceof Text && item instanceof Text) {
    budget.step(1 + (container.length >> 6));
    return container.value.includes(item.value);
  }
  if (container instanceof List) return container.items.some((other) => equals(item, other, budget));
  if (container instanceof Dict) return item instanceof Text && container.entries.has(item.value);
  if (container instanceof Namespace) return item instanceof Text && container.attributes.has(item.value);
  if (container instanceof Undefined) return false;
  throw failed(
    `The chat template looks for ${typeName(item)} in ${typeName(container)}, which cannot be done.`,
  );
}

/** Negative, zero or positive, as `left` stands to `right`. */
export function compare(left: Value, right: Value, operator: string): number {
  const [x, y] = [numberOf(left), numberOf(right)];
  if (x !== undefined && y !== undefined) return x - y;
  if (left instanceof Text && right instanceof Text) {
    return left.value < right.value ? -1 : left.value > right.value ? 1 : 0;
  }
  throw failed(
    `The chat template compares ${typeName(left)} ${operator} ${typeName(right)}, which cannot be done.`,
  );
}

function arithmetic(operator: string, left: Value, right: Value, budget: TemplateBudget): Value {
  const [x, y] = [numberOf(left), numberOf(right)];
  if (x !== undefined && y !== undefined) {
    return calculate(operator, x, y, left instanceof Float || right instanceof Float);
  }
  if (operator === "+") {
    if (left instanceof Text && right instanceof Text) return concatenate(left, right, budget);
    if (left instanceof List && right instanceof List) {
      budget.list(left.items.length + right.items.length);
      return new List([...left.items, ...right.items], left.isTuple);
    }
  }
  if (operator === "*" && y !== undefined && !(right instanceof Float)) return repeat(left, y, budget);
  if (operator === "*" && x !== undefined && !(left instanceof Float)) return repeat(right, x, budget);
  throw failed(
    `The chat template computes ${typeName(left)} ${operator} ${typeName(right)}, which cannot be done.`,
  );
}

function calculate(operator: string, x: number, y: number, isFloat: boolean): Value {
  if ((operator === "/" || operator === "//" || operator === "%") && y === 0) {
    throw failed("The chat template divides by zero.");
  }
  const result = (value: number, float = isFloat) => {
    if (!Number.isFinite(value))
      throw failed(`The chat template computes ${x} ${operator} ${y}, which is too large.`);
    return float ? new Float(value) : value;
  };
  switch (operator) {
    case "+":
      return result(x + y);
    case "-":
      return result(x - y);
    case "*":
      return result(x * y);
    case "/":
      return result(x / y, true);
    case "//":
      return result(Math.floor(x / y));
    case "%":
      return result(x - y * Math.floor(x / y));
    case "**":
      return result(x ** y, isFloat || y < 0);
    default:
      throw failed(`The chat template uses the operator ${operator}, which Millet does not know.`);
  }
}

function repeat(value: Value, times: number, budget: TemplateBudget): Value {
  const count = Math.max(times, 0);
  if (value instanceof Text) {
    if (value.length === 0) return value;
    budget.text(value.length * count);
    budget.step(count);
    return Text.join([new Text(""), ...Array.from({ length: count }, () => value)]);
  }
  if (value instanceof List) {
    budget.list(value.items.length * count);
    const items = value.items.length === 0 ? [] : Array.from({ length: count }, () => value.items).flat();
    return new List(items, value.isTuple);
  }
  throw failed(`The chat template multiplies ${typeName(value)}, which cannot be done.`);
}

export function unary(operator: string, value: Value): Value {
  if (operator === "not") return !isTrue(value);
  const number = numberOf(value);
  if (number === undefined) throw failed(`The chat template computes ${operator} of ${typeName(value)}.`);
  const signed = operator === "-" ? -number : number;
  return value instanceof Float ? new Float(signed) : signed + 0;
}

/** value[start:stop:step] */
export function slice(
  value: Value,
  start: number | undefined,
  stop: number | undefined,
  step: number,
  budget: TemplateBudget,
): Value {
  if (step === 0) throw failed("The chat template slices with a step of 0.");
  if (value instanceof List) {
    const indexes = sliceIndexes(value.items.length, start, stop, step, budget);
    return new List(
      indexes.map((i) => value.items[i]!),
      value.isTuple,
    );
  }
  if (!(value instanceof Text))
    throw failed(`The chat template slices ${typeName(value)}, which cannot be done.`);
  const bounds = codePointBounds(value.value, budget);
  const indexes = sliceIndexes(bounds.length - 1, start, stop, step, budget);
  if (indexes.length === 0) return new Text("");
  if (step === 1) return value.slice(bounds[indexes[0]!]!, bounds[indexes.at(-1)! + 1]!);
  return Text.join([new Text(""), ...indexes.map((i) => value.slice(bounds[i]!, bounds[i + 1]!))]);
}

/** value[index] for text and lists; undefined where there is no such place. */
export function elementAt(value: Text | List, index: number, budget: TemplateBudget): Value | undefined {
  if (value instanceof List) return value.items[index < 0 ? index + value.items.length : index];
  const bounds = codePointBounds(value.value, budget);
  const at = index < 0 ? index + bounds.length - 1 : index;
  return at >= 0 && at < bounds.length - 1 ? value.slice(bounds[at]!, bounds[at + 1]!) : undefined;
}

/** Where each character starts, and the end: Python counts code points. // [characters + 1] */
function codePointBounds(text: string, budget: TemplateBudget): number[] {
  budget.list(text.length >> 3);
  budget.text(text.length);
  const bounds: number[] = [];
  for (let i = 0; i < text.length; i += text.codePointAt(i)! > 0xffff ? 2 : 1) bounds.push(i);
  bounds.push(text.length);
  return bounds;
}

function sliceIndexes(
  length: number,
  start: number | undefined,
  stop: number | undefined,
  step: number,
  budget: TemplateBudget,
): number[] {
  const [least, most] = step > 0 ? [0, length] : [-1, length - 1];
  const place = (index: number) => Math.min(Math.max(index < 0 ? index + length : index, least), most);
  const from = start === undefined ? (step > 0 ? 0 : length - 1) : place(start);
  const to = stop === undefined ? (step > 0 ? length : -1) : place(stop);
  budget.list(Math.max(0, Math.ceil((to - from) / step)));
  const indexes: number[] = [];
  for (let i = from; step > 0 ? i < to : i > to; i += step) indexes.push(i);
  return indexes;
}
