/** The functions that every template can call: range, namespace, dict, raise_exception, strftime_now. */
import { Arguments } from "./template-arguments.js";
import type { TemplateBudget } from "./template-budget.js";
import { Text } from "./template-text.js";
import { Callable, Dict, failed, List, Namespace, toText, type Value } from "./template-values.js";

export function globalFunctions(budget: TemplateBudget, now: () => Date): Map<string, Value> {
  const functions: Record<string, (args: Arguments, named: ReadonlyMap<string, Value>) => Value> = {
    range: (args) => range(args, budget),
    namespace: (args, named) => {
      const namespace = new Namespace();
      const source = args.value(0, "source");
      if (source instanceof Dict)
        for (const [key, [, value]] of source.entries) namespace.attributes.set(key, value);
      for (const [name, value] of named) namespace.attributes.set(name, value);
      budget.list(namespace.attributes.size);
      return namespace;
    },
    dict: (args, named) => {
      const source = args.value(0, "source");
      const pairs = source instanceof Dict ? [...source.entries.values()] : [];
      budget.list(pairs.length + named.size);
      return Dict.of([...pairs, ...[...named].map(([name, value]) => [new Text(name), value] as const)]);
    },
    raise_exception: (args) => {
      const message = toText(args.value(0, "message") ?? new Text("no reason given"), budget).value;
      throw failed(`The chat template refuses this conversation: ${message.slice(0, 1000)}`);
    },
    strftime_now: (args) => new Text(strftime(now(), args.text(0, "format").value.slice(0, 200))),
  };
  const values = new Map<string, Value>();
  for (const [name, run] of Object.entries(functions)) {
    values.set(name, new Callable(name, (args) => run(new Arguments(`${name}()`, args), args.named)));
  }
  return values;
}

function range(args: Arguments, budget: TemplateBudget): List {
  const [first, second] = [args.integer(0, "start"), args.integer(1, "stop")];
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const step = args.integer(2, "step") ?? 1;
  if (start === undefined || stop === undefined || step === 0) {
    throw failed("The chat template calls range() without an end, or with a step of 0.");
  }
  const length = Math.max(0, Math.ceil((stop - start) / step));
  budget.list(length);
  return new List(Array.from({ length }, (_, i) => start + i * step));
}

const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** Python's datetime.strftime in the C locale, for the directives that templates use. */
function strftime(date: Date, format: string): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const directives: Record<string, () => string> = {
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    d: () => two(date.getDate()),
    e: () => String(date.getDate()).padStart(2, " "),
    B: () => MONTHS[date.getMonth()]!,
    b: () => MONTHS[date.getMonth()]!.slice(0, 3),
    A: () => DAYS[date.getDay()]!,
    a: () => DAYS[date.getDay()]!.slice(0, 3),
    H: () => two(date.getHours()),
    I: () => two(date.getHours() % 12 || 12),
    p: () => (date.getHours() < 12 ? "AM" : "PM"),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    j: () => String(dayOfYear(date)).padStart(3, "0"),
    "%": () => "%",
  };
  return format.replace(/%(-?)([A-Za-z%])/g, (whole, bare, letter) => {
    const text = Object.hasOwn(directives, letter) ? directives[letter]!() : undefined;
    if (text === undefined) return whole;
    return bare ? text.replace(/^[0 ]+(?=.)/, "") : text;
  });
}

function dayOfYear(date: Date): number {
  const day = 24 * 60 * 60 * 1000;
  const at = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (at - Date.UTC(date.getFullYear(), 0, 1)) / day + 1;
}
