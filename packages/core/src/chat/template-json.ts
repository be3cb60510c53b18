/** The `tojson` filter as transformers defines it: Python's json.dumps without HTML escaping, non-ASCII kept. */
import type { TemplateBudget } from "./template-budget.js";
import { Text } from "./template-text.js";
import { Dict, Float, failed, floatText, List, typeName, type Value } from "./template-values.js";

export interface JsonOptions {
  /** Spaces per level; undefined: all on one line. */
  readonly indent: number | undefined;
  readonly ensureAscii: boolean;
  readonly sortKeys: boolean;
  readonly separators: readonly [item: Text, key: Text];
}

export function toJson(value: Value, options: JsonOptions, budget: TemplateBudget): Text {
  const out: Text[] = [];
  write(value, 0, options, out, budget);
  return Text.join(out);
}

function write(value: Value, level: number, options: JsonOptions, out: Text[], budget: TemplateBudget): void {
  budget.pieces(2, 0);
  if (value instanceof Text) {
    out.push(jsonText(value, options, budget));
  } else if (value instanceof List) {
    const write_ = (item: Value) => write(item, level + 1, options, out, budget);
    container("[", "]", value.items, level, options, out, budget, write_);
  } else if (value instanceof Dict) {
    const pairs = [...value.entries.values()];
    if (options.sortKeys) pairs.sort(([a], [b]) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
    container("{", "}", pairs, level, options, out, budget, ([key, item]) => {
      out.push(jsonText(key, options, budget), options.separators[1]);
      write(item, level + 1, options, out, budget);
    });
  } else if (value === null || typeof value === "boolean" || typeof value === "number") {
    out.push(new Text(String(value)));
  } else if (value instanceof Float) {
    out.push(new Text(floatText(value.value)));
  } else {
    throw failed(`The chat template writes ${typeName(value)} as JSON, which cannot be done.`);
  }
}

function container<T>(
  open: string,
  close: string,
  items: readonly T[],
  level: number,
  { indent, separators }: JsonOptions,
  out: Text[],
  budget: TemplateBudget,
  write: (item: T) => void,
): void {
  if (items.length === 0) {
    out.push(new Text(open + close));
    return;
  }
  const line = (depth: number) => (indent === undefined ? "" : `\n${" ".repeat(indent * depth)}`);
  budget.text(items.length * (2 + separators[0].length + line(level + 1).length));
  budget.nested(() =>
    items.forEach((item, i) => {
      if (i > 0) out.push(separators[0]);
      const before = (i === 0 ? open : "") + line(level + 1);
      if (before !== "") out.push(new Text(before));
      write(item);
    }),
  );
  out.push(new Text(line(level) + close));
}

function jsonText(text: Text, { ensureAscii }: JsonOptions, budget: TemplateBudget): Text {
  budget.text(text.length + 2);
  let json = JSON.stringify(text.value);
  if (ensureAscii) {
    budget.text(text.length * 6);
    json = json.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }
  return Text.from(json, text);
}
