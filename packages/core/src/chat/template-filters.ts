/** Jinja's filters: `value | name(arguments)`. Those of lists of things are in template-list-filters.ts. */
import { Arguments, type Filter } from "./template-arguments.js";
import type { TemplateBudget } from "./template-budget.js";
import { iterate } from "./template-iterate.js";
import { toJson } from "./template-json.js";
import { LIST_FILTERS, nameOf, path } from "./template-list-filters.js";
import { dictItems } from "./template-methods.js";
import * as strings from "./template-strings.js";
import { Text } from "./template-text.js";
import {
  type CallArguments,
  Dict,
  Float,
  failed,
  isTrue,
  List,
  numberOf,
  toText,
  typeName,
  Undefined,
  type Value,
} from "./template-values.js";

const NO_ARGUMENTS = { positional: [], named: new Map<string, Value>() };

const isUndefined = (value: Value) => value instanceof Undefined;
const ofText =
  (change: (text: Text, args: Arguments, budget: TemplateBudget) => Value): Filter =>
  (value, args, budget) =>
    change(toText(value, budget), args, budget);
const length: Filter = (value) => {
  if (value instanceof Text) return strings.codePointLength(value.value);
  if (value instanceof List) return value.items.length;
  if (value instanceof Dict) return value.entries.size;
  if (isUndefined(value)) return 0;
  throw failed(`The chat template asks for the length of ${typeName(value)}.`);
};
const fallback: Filter = (value, args) => {
  const useIt = isUndefined(value) || (args.flag(1, "boolean") && !isTrue(value));
  if (!useIt) return value;
  const given = args.value(0, "default_value");
  return given === undefined ? new Text("") : given;
};

const FILTERS: Readonly<Record<string, Filter>> = {
  ...LIST_FILTERS,
  safe: ofText((text) => new Text(text.value, text.untrusted, true)),
  escape: ofText((text, _, budget) => strings.escapeHtml(text, budget)),
  e: ofText((text, _, budget) => strings.escapeHtml(text, budget)),
  map: (value, args, budget) => {
    const items = isTrue(value) ? iterate(value, budget) : []; // None too, as in Jinja2
    budget.list(items.length);
    const name = args.value(0, "filter");
    if (name !== undefined)
      return new List(items.map((item) => applyFilter(nameOf(name), item, NO_ARGUMENTS, budget)));
    const byDefault = args.value(Number.NaN, "default");
    return new List(
      items.map((item) => {
        const found = path(item, args.required(0, "attribute"), budget);
        return found instanceof Undefined && byDefault !== undefined ? byDefault : found;
      }),
    );
  },
  string: (value, _, budget) => toText(value, budget),
  length,
  count: length,
  default: fallback,
  d: fallback,
  trim: ofText((text, args) => strings.strip(text, args.optionalText(0, "chars"), true, true)),
  upper: ofText((text, _, budget) => strings.mapCase(text, (value) => value.toUpperCase(), budget)),
  lower: ofText((text, _, budget) => strings.mapCase(text, (value) => value.toLowerCase(), budget)),
  title: ofText((text, _, budget) => strings.mapCase(text, strings.titleCase, budget)),
  capitalize: ofText((text, _, budget) => strings.mapCase(text, strings.capitalize, budget)),
  replace: ofText((text, args, budget) =>
    strings.replace(text, args.text(0, "old"), args.text(1, "new"), args.integer(2, "count") ?? -1, budget),
  ),
  indent: ofText((text, args, budget) => {
    const given = args.value(0, "width") ?? 4;
    const width =
      given instanceof Text ? given : new Text(" ".repeat(bounded(numberOf(given) ?? 4, "indent")));
    return strings.indent(text, width, args.flag(1, "first"), args.flag(2, "blank"), budget);
  }),
  abs: (value) => {
    const number = numberOf(value);
    if (number === undefined)
      throw failed(`The chat template asks for the absolute value of ${typeName(value)}.`);
    return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
  },
  int: (value, args) => {
    const number = value instanceof Text ? parsed(value.value) : numberOf(value);
    return number === undefined ? (args.value(0, "default") ?? 0) : Math.trunc(number);
  },
  float: (value, args) => {
    const number = value instanceof Text ? parsed(value.value) : numberOf(value);
    return number === undefined ? (args.value(0, "default") ?? new Float(0)) : new Float(number);
  },
  round: (value, args) => {
    const scale = 10 ** bounded(args.integer(0, "precision") ?? 0, "round");
    return new Float(Math.round((numberOf(value) ?? 0) * scale) / scale);
  },
  items: (value, _, budget) => {
    if (isUndefined(value)) return new List([]);
    if (value instanceof Dict) return dictItems(value, budget);
    throw failed(`The chat template asks for the items of ${typeName(value)}.`);
  },
  dictsort: (value, _, budget) => {
    if (!(value instanceof Dict)) throw failed(`The chat template sorts ${typeName(value)} as a dictionary.`);
    const pairs = [...value.entries.entries()].sort(([a], [b]) => {
      const [x, y] = [a.toLowerCase(), b.toLowerCase()];
      return x < y ? -1 : x > y ? 1 : 0;
    });
    budget.list(pairs.length * 3);
    return new List(pairs.map(([, [key, item]]) => new List([key, item], true)));
  },
  tojson: (value, args, budget) => {
    const indent = args.integer(1, "indent");
    const separators = args.value(2, "separators");
    const [item, key] = separators instanceof List ? separators.items : [];
    const options = {
      indent: indent === undefined ? undefined : bounded(indent, "tojson"),
      ensureAscii: args.flag(0, "ensure_ascii"),
      sortKeys: args.flag(3, "sort_keys"),
      separators: [
        item instanceof Text ? item : new Text(indent === undefined ? ", " : ","),
        key instanceof Text ? key : new Text(": "),
      ] as const,
    };
    return toJson(value, options, budget);
  },
};

function bounded(value: number, filter: string): number {
  if (value >= 0 && value <= 64) return Math.floor(value);
  throw failed(`The chat template gives ${filter} the number ${value}; it takes 0 to 64.`);
}

function parsed(text: string): number | undefined {
  const number = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

/** @throws MilletError TEMPLATE_FAILED for a filter that is not known */
export function applyFilter(name: string, value: Value, args: CallArguments, budget: TemplateBudget): Value {
  const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
  if (filter === undefined)
    throw failed(`The chat template uses the filter "${name}", which Millet does not know.`);
  budget.step(1 + (value instanceof Text ? value.length >> 6 : 0));
  return filter(value, new Arguments(`the filter ${name}`, args), budget);
}
