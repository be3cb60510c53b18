/** Jinja's filters of lists: first, sort, join, select and their kin. */
import type { Arguments, Filter } from "./template-arguments.js";
import type { TemplateBudget } from "./template-budget.js";
import { iterate } from "./template-iterate.js";
import { attribute } from "./template-methods.js";
import { compare } from "./template-operators.js";
import * as strings from "./template-strings.js";
import { applyTest } from "./template-tests.js";
import { EMPTY, Text } from "./template-text.js";
import {
  equals,
  failed,
  isTrue,
  List,
  numberOf,
  orUndefined,
  toText,
  type Value,
} from "./template-values.js";

function atLeastOne(count: number | undefined, filter: string): number {
  if (count !== undefined && count >= 1) return count;
  throw failed(`The chat template gives ${filter} ${count ?? "no number"}; it takes 1 or more.`);
}

/** The attribute "a.b.0" of an item. */
export function path(item: Value, name: Value, budget: TemplateBudget): Value {
  if (!(name instanceof Text))
    throw failed("The chat template names an attribute by something that is not text.");
  let value = item;
  for (const part of name.value.split(".")) {
    budget.step();
    value =
      value instanceof List ? orUndefined(value.items[Number(part)], part) : attribute(value, part, budget);
  }
  return value;
}

function keyed(args: Arguments, index: number, budget: TemplateBudget): (item: Value) => Value {
  const name = args.value(index, "attribute");
  return name === undefined || name === null ? (item) => item : (item) => path(item, name, budget);
}

/** select, reject, selectattr, rejectattr. */
function selecting(keep: boolean, byAttribute: boolean): Filter {
  return (value, args, budget) => {
    const skip = byAttribute ? 1 : 0;
    const test = args.value(skip, "test");
    const argument = args.value(skip + 1, "argument") ?? null;
    const all = isTrue(value) ? iterate(value, budget) : []; // None too, as in Jinja2
    const items = all.filter((item) => {
      const subject = byAttribute ? path(item, args.required(0, "attribute"), budget) : item;
      budget.step();
      const passes =
        test === undefined ? isTrue(subject) : applyTest(nameOf(test), subject, argument, budget);
      return passes === keep;
    });
    budget.list(items.length);
    return new List(items);
  };
}

export function nameOf(value: Value): string {
  if (value instanceof Text) return value.value;
  throw failed("The chat template names a test or filter by something that is not text.");
}

function sorted(
  items: readonly Value[],
  key: (item: Value) => Value,
  caseSensitive: boolean,
  budget: TemplateBudget,
) {
  budget.list(items.length * 8); // for the comparisons too
  const fold = (value: Value) =>
    value instanceof Text && !caseSensitive
      ? strings.mapCase(value, (text) => text.toLowerCase(), budget)
      : value;
  return items.map((item) => [fold(key(item)), item] as const).sort(([a], [b]) => compare(a, b, "<"));
}

const extreme =
  (sign: number): Filter =>
  (value, args, budget) => {
    const pairs = sorted(
      iterate(value, budget),
      keyed(args, 1, budget),
      args.flag(0, "case_sensitive"),
      budget,
    );
    return orUndefined((sign < 0 ? pairs[0] : pairs.at(-1))?.[1], "an item of an empty list");
  };

export const LIST_FILTERS: Readonly<Record<string, Filter>> = {
  list: (value, _, budget) => {
    const items = iterate(value, budget);
    budget.list(items.length);
    return new List(items);
  },
  first: (value, _, budget) => orUndefined(iterate(value, budget)[0], "the first item of an empty list"),
  last: (value, _, budget) => orUndefined(iterate(value, budget).at(-1), "the last item of an empty list"),
  reverse: (value, _, budget) => {
    const items = [...iterate(value, budget)].reverse();
    budget.list(items.length);
    return value instanceof Text
      ? Text.join([EMPTY, ...items.map((item) => toText(item, budget))])
      : new List(items);
  },
  sort: (value, args, budget) => {
    const pairs = sorted(
      iterate(value, budget),
      keyed(args, 2, budget),
      args.flag(1, "case_sensitive"),
      budget,
    );
    const items = pairs.map(([, item]) => item);
    return new List(args.flag(0, "reverse") ? items.reverse() : items);
  },
  batch: (value, args, budget) => {
    const items = iterate(value, budget);
    const size = atLeastOne(args.integer(0, "linecount"), "batch");
    budget.list(items.length * 2 + Math.min(size, items.length + 1));
    const rows: Value[][] = [];
    for (let at = 0; at < items.length; at += size) rows.push(items.slice(at, at + size));
    const filling = args.value(1, "fill_with");
    const last = rows.at(-1);
    if (last !== undefined && filling !== undefined && filling !== null) {
      budget.list(size - last.length);
      while (last.length < size) last.push(filling);
    }
    return new List(rows.map((row) => new List(row)));
  },
  unique: (value, args, budget) => {
    const kept: (readonly [Value, Value])[] = [];
    for (const [key, item] of iterate(value, budget).map(
      (item) => [keyed(args, 1, budget)(item), item] as const,
    )) {
      if (!kept.some(([other]) => equals(other, key, budget))) kept.push([key, item]);
    }
    budget.list(kept.length);
    return new List(kept.map(([, item]) => item));
  },
  join: (value, args, budget) => {
    const key = keyed(args, 1, budget);
    const parts = iterate(value, budget).map((item) => toText(key(item), budget));
    return strings.join(parts, args.optionalText(0, "d") ?? EMPTY, budget);
  },
  select: selecting(true, false),
  reject: selecting(false, false),
  selectattr: selecting(true, true),
  rejectattr: selecting(false, true),
  min: extreme(-1),
  max: extreme(1),
  sum: (value, args, budget) => {
    let total = numberOf(args.value(1, "start") ?? 0) ?? 0;
    for (const item of iterate(value, budget).map(keyed(args, 0, budget))) {
      budget.step();
      total += numberOf(item) ?? 0;
    }
    return total;
  },
};
