/** Jinja's tests: `value is name`, and the second argument of select, reject and their kin. */
import type { TemplateBudget } from "./template-budget.js";
import { compare, contains } from "./template-operators.js";
import { Text } from "./template-text.js";
import {
  Callable,
  Dict,
  equals,
  Float,
  failed,
  List,
  numberOf,
  Undefined,
  type Value,
} from "./template-values.js";

type Test = (value: Value, argument: Value, budget: TemplateBudget) => boolean;

const integer = (value: Value): number => {
  if (typeof value === "number") return value;
  throw failed("The chat template asks whether something is odd or even that is not an integer.");
};
const sameText = (value: Value, change: (text: string) => string) =>
  value instanceof Text && value.value === change(value.value);
const equal: Test = (value, argument, budget) => equals(value, argument, budget);

const TESTS: Readonly<Record<string, Test>> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  true: (value) => value === true,
  false: (value) => value === false,
  integer: (value) => typeof value === "number",
  float: (value) => value instanceof Float,
  number: (value) => numberOf(value) !== undefined,
  string: (value) => value instanceof Text,
  mapping: (value) => value instanceof Dict,
  iterable: (value) =>
    value instanceof Text || value instanceof List || value instanceof Dict || value instanceof Undefined,
  sequence: (value) =>
    value instanceof Text || value instanceof List || value instanceof Dict || value instanceof Undefined,
  callable: (value) => value instanceof Callable,
  odd: (value) => integer(value) % 2 !== 0,
  even: (value) => integer(value) % 2 === 0,
  lower: (value) => sameText(value, (text) => text.toLowerCase()),
  upper: (value) => sameText(value, (text) => text.toUpperCase()),
  equalto: equal,
  eq: equal,
  sameas: equal,
  ne: (value, argument, budget) => !equals(value, argument, budget),
  in: (value, argument, budget) => contains(argument, value, budget),
  lt: (value, argument) => compare(value, argument, "<") < 0,
  le: (value, argument) => compare(value, argument, "<=") <= 0,
  gt: (value, argument) => compare(value, argument, ">") > 0,
  ge: (value, argument) => compare(value, argument, ">=") >= 0,
};

/** @throws MilletError TEMPLATE_FAILED for a test that is not known */
export function applyTest(name: string, value: Value, argument: Value, budget: TemplateBudget): boolean {
  const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
  if (test === undefined)
    throw failed(`The chat template uses the test "${name}", which Millet does not know.`);
  budget.step();
  return test(value, argument, budget);
}
