/** The methods and attributes of values: a.b, a["b"], a[0], text.strip(), dict.items(). */
import { Arguments } from "./template-arguments.js";
import type { TemplateBudget } from "./template-budget.js";
import * as strings from "./template-strings.js";
import { Text } from "./template-text.js";
import {
  type CallArguments,
  Callable,
  Dict,
  equals,
  failed,
  List,
  Loop,
  Namespace,
  orUndefined,
  Undefined,
  type Value,
} from "./template-values.js";

type Method<T> = (self: T, args: Arguments, budget: TemplateBudget) => Value;

const affixOf = (args: Arguments): readonly Text[] => {
  const value = args.required(0, "prefix");
  if (value instanceof List) return value.items.filter((item) => item instanceof Text);
  return [args.text(0, "prefix")];
};

const TEXT_METHODS: Readonly<Record<string, Method<Text>>> = {
  strip: (self, args) => strings.strip(self, args.optionalText(0, "chars"), true, true),
  lstrip: (self, args) => strings.strip(self, args.optionalText(0, "chars"), true, false),
  rstrip: (self, args) => strings.strip(self, args.optionalText(0, "chars"), false, true),
  split: (self, args, budget) =>
    new List(
      strings.split(self, args.optionalText(0, "sep"), args.integer(1, "maxsplit") ?? -1, false, budget),
    ),
  rsplit: (self, args, budget) =>
    new List(
      strings.split(self, args.optionalText(0, "sep"), args.integer(1, "maxsplit") ?? -1, true, budget),
    ),
  splitlines: (self, args, budget) => new List(strings.lines(self, args.flag(0, "keepends"), budget)),
  startswith: (self, args) => affixOf(args).some((affix) => self.value.startsWith(affix.value)),
  endswith: (self, args) => affixOf(args).some((affix) => self.value.endsWith(affix.value)),
  removeprefix: (self, args) => {
    const prefix = args.text(0, "prefix");
    return self.value.startsWith(prefix.value) ? self.slice(prefix.length) : self;
  },
  removesuffix: (self, args) => {
    const suffix = args.text(0, "suffix");
    return suffix.length > 0 && self.value.endsWith(suffix.value)
      ? self.slice(0, self.length - suffix.length)
      : self;
  },
  replace: (self, args, budget) =>
    strings.replace(self, args.text(0, "old"), args.text(1, "new"), args.integer(2, "count") ?? -1, budget),
  upper: (self, _, budget) => strings.mapCase(self, (value) => value.toUpperCase(), budget),
  lower: (self, _, budget) => strings.mapCase(self, (value) => value.toLowerCase(), budget),
  title: (self, _, budget) => strings.mapCase(self, strings.titleCase, budget),
  capitalize: (self, _, budget) => strings.mapCase(self, strings.capitalize, budget),
  count: (self, args, budget) => strings.countOf(self, args.text(0, "sub"), budget),
  find: (self, args) => self.value.indexOf(args.text(0, "sub").value),
  isdigit: (self) => /^\p{Nd}+$/u.test(self.value),
  isalpha: (self) => /^\p{L}+$/u.test(self.value),
  isalnum: (self) => /^[\p{L}\p{N}]+$/u.test(self.value),
  isspace: (self) => self.length > 0 && strings.strip(self, undefined, true, true).length === 0,
  join: (self, args, budget) => {
    const items = args.required(0, "iterable");
    const parts = items instanceof List ? items.items.filter((item) => item instanceof Text) : undefined;
    if (!(items instanceof List) || parts!.length !== items.items.length) {
      throw failed("The chat template joins something that is not a list of text.");
    }
    return strings.join(parts!, self, budget);
  },
};

const DICT_METHODS: Readonly<Record<string, Method<Dict>>> = {
  get: (self, args) => {
    const key = args.required(0, "key");
    const found = key instanceof Text ? self.get(key.value) : undefined;
    return found === undefined ? (args.value(1, "default") ?? null) : found;
  },
  items: (self, _, budget) => dictItems(self, budget),
  keys: (self, _, budget) => {
    budget.list(self.entries.size);
    return new List([...self.entries.values()].map(([key]) => key));
  },
  values: (self, _, budget) => {
    budget.list(self.entries.size);
    return new List([...self.entries.values()].map(([, value]) => value));
  },
};

const LIST_METHODS: Readonly<Record<string, Method<List>>> = {
  index: (self, args, budget) => {
    const wanted = args.required(0, "value");
    const at = self.items.findIndex((item) => equals(item, wanted, budget));
    if (at < 0) throw failed("The chat template asks for the place of an item that is not in the list.");
    return at;
  },
  count: (self, args, budget) => {
    const wanted = args.required(0, "value");
    return self.items.filter((item) => equals(item, wanted, budget)).length;
  },
};

export function dictItems(dict: Dict, budget: TemplateBudget): List {
  budget.list(dict.entries.size * 3);
  return new List([...dict.entries.values()].map(([key, value]) => new List([key, value], true)));
}

/** `object.name`: for dictionaries a method first, as in Python, then a key. */
export function attribute(object: Value, name: string, budget: TemplateBudget): Value {
  return methodOf(object, name, budget) ?? present(item(object, name), object, name);
}

/** `object[name]`: a key first. */
export function subscript(object: Value, name: string, budget: TemplateBudget): Value {
  const found = item(object, name); // may be None, which is a value
  return found === undefined ? present(methodOf(object, name, budget), object, name) : found;
}

function present(value: Value | undefined, object: Value, name: string): Value {
  if (value !== undefined) return value;
  if (object instanceof Undefined) {
    throw failed(`The chat template reads ${JSON.stringify(name)} of ${object.name}, which is undefined.`);
  }
  return new Undefined(name);
}

function item(object: Value, name: string): Value | undefined {
  if (object instanceof Dict) return object.get(name);
  if (object instanceof Namespace) return object.attributes.get(name);
  return object instanceof Loop ? loopAttribute(object, name) : undefined;
}

function loopAttribute({ items, index }: Loop, name: string): Value | undefined {
  const last = items.length - 1;
  switch (name) {
    case "index":
      return index + 1;
    case "index0":
      return index;
    case "revindex":
      return last - index + 1;
    case "revindex0":
      return last - index;
    case "first":
      return index === 0;
    case "last":
      return index === last;
    case "length":
      return items.length;
    case "previtem":
      return orUndefined(items[index - 1], "loop.previtem");
    case "nextitem":
      return orUndefined(items[index + 1], "loop.nextitem");
    case "cycle":
      return new Callable("loop.cycle", ({ positional }) => {
        if (positional.length === 0) throw failed("The chat template calls loop.cycle without arguments.");
        return positional[index % positional.length]!;
      });
    default:
      return undefined;
  }
}

function methodOf(object: Value, name: string, budget: TemplateBudget): Callable | undefined {
  if (object instanceof Text) return bind(TEXT_METHODS, object, name, budget);
  if (object instanceof Dict) return bind(DICT_METHODS, object, name, budget);
  return object instanceof List ? bind(LIST_METHODS, object, name, budget) : undefined;
}

function bind<T>(
  methods: Readonly<Record<string, Method<T>>>,
  self: T,
  name: string,
  budget: TemplateBudget,
): Callable | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method === undefined) return undefined;
  return new Callable(name, (args: CallArguments) => {
    budget.step(1 + (self instanceof Text ? self.length >> 6 : 0));
    return method(self, new Arguments(`${name}()`, args), budget);
  });
}
