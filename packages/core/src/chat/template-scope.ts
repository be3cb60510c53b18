/** Names and what they stand for, in nested scopes, and the text that a block writes. */
import type { TemplateBudget } from "./template-budget.js";
import { Text } from "./template-text.js";
import { Undefined, type Value } from "./template-values.js";

export class Scope {
  private readonly names = new Map<string, Value>();

  constructor(
    private readonly parent?: Scope,
    private readonly budget: TemplateBudget | undefined = parent?.budget,
  ) {}

  get(name: string): Value {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      this.budget?.step();
      const value = scope.names.get(name);
      if (value !== undefined) return value;
    }
    return new Undefined(name);
  }

  set(name: string, value: Value): void {
    this.names.set(name, value);
  }
}

/** Collects what statements write. */
export class Output {
  private readonly parts: Text[] = [];

  constructor(private readonly budget: TemplateBudget) {}

  write(text: Text): void {
    if (text.length === 0) return;
    this.budget.pieces(1, text.length);
    this.parts.push(text);
  }

  toText(): Text {
    return this.parts.length === 0 ? new Text("") : Text.join(this.parts);
  }
}
