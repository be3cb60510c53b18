/** What a for loop or a filter goes through, item by item. */
import type { TemplateBudget } from "./template-budget.js";
import { Text } from "./template-text.js";
import { Dict, failed, List, typeName, Undefined, type Value } from "./template-values.js";

/** The items of a list, the keys of a dictionary, the characters of text. */
export function iterate(value: Value, budget: TemplateBudget): readonly Value[] {
  if (value instanceof List) return value.items;
  if (value instanceof Undefined) return [];
  if (value instanceof Dict) {
    budget.list(value.entries.size);
    return [...value.entries.values()].map(([key]) => key);
  }
  if (value instanceof Text) {
    budget.list(value.length);
    budget.pieces(value.length, value.length);
    const characters: Text[] = [];
    for (let i = 0; i < value.length; ) {
      const next = i + (value.value.codePointAt(i)! > 0xffff ? 2 : 1);
      characters.push(value.slice(i, next));
      i = next;
    }
    return characters;
  }
  throw failed(`The chat template goes through ${typeName(value)} item by item, which cannot be done.`);
}
