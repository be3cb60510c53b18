/** Reads the arguments of filters, methods and functions: by position or name, checked. */
import type { TemplateBudget } from "./template-budget.js";
import { Text } from "./template-text.js";
import { type CallArguments, failed, isTrue, typeName, Undefined, type Value } from "./template-values.js";

export class Arguments {
  constructor(
    private readonly what: string,
    private readonly args: CallArguments,
  ) {}

  get count(): number {
    return this.args.positional.length;
  }

  value(index: number, name: string): Value | undefined {
    const value = this.args.positional[index];
    return value === undefined ? this.args.named.get(name) : value; // None is a value
  }

  required(index: number, name: string): Value {
    const value = this.value(index, name);
    if (value === undefined)
      throw failed(`The chat template calls ${this.what} without its argument "${name}".`);
    return value;
  }

  text(index: number, name: string): Text {
    const value = this.required(index, name);
    if (value instanceof Text) return value;
    throw failed(`The chat template gives ${this.what} ${typeName(value)} as "${name}"; it takes text.`);
  }

  /** Absent and None read as undefined. */
  optionalText(index: number, name: string): Text | undefined {
    const value = this.value(index, name);
    return value === undefined || value === null ? undefined : this.text(index, name);
  }

  /** An integer; absent and None read as undefined. */
  integer(index: number, name: string): number | undefined {
    const value = this.value(index, name);
    if (value === undefined || value === null) return undefined;
    if (typeof value === "number") return value;
    throw failed(
      `The chat template gives ${this.what} ${typeName(value)} as "${name}"; it takes an integer.`,
    );
  }

  flag(index: number, name: string): boolean {
    const value = this.value(index, name);
    return value !== undefined && !(value instanceof Undefined) && isTrue(value);
  }
}

/** A filter of Jinja. @throws MilletError TEMPLATE_FAILED for values it does not apply to */
export type Filter = (value: Value, args: Arguments, budget: TemplateBudget) => Value;
