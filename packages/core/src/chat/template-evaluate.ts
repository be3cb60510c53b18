/**
 * Runs a parsed template: our own evaluator over @huggingface/jinja's tree, with Jinja2's scoping, since the
 * library's has neither a budget of work nor knowledge of which text came from whom.
 */
import type {
  CallStatement,
  Expression,
  ForStatement,
  MacroStatement,
  Parameter,
  SetStatement,
  TemplateNode,
} from "./template-ast.js";
import type { TemplateBudget } from "./template-budget.js";
import { ExpressionEvaluator } from "./template-expressions.js";
import { iterate } from "./template-iterate.js";
import { Output, Scope } from "./template-scope.js";
import { Text } from "./template-text.js";
import {
  type CallArguments,
  Callable,
  Dict,
  failed,
  isTrue,
  List,
  Loop,
  Namespace,
  toText,
  Undefined,
  type Value,
} from "./template-values.js";

/** How a block ended: at its end, or by break or continue. */
type Flow = "end" | "break" | "continue";

export class TemplateEvaluator extends ExpressionEvaluator {
  /** Text that the statements write. */
  render(body: readonly TemplateNode[], scope: Scope): Text {
    const out = new Output(this.budget);
    this.block(body, scope, out);
    return out.toText();
  }

  private block(nodes: readonly TemplateNode[], scope: Scope, out: Output): Flow {
    for (const node of nodes) {
      const flow = this.node(node, scope, out);
      if (flow !== "end") return flow;
    }
    return "end";
  }

  private node(node: TemplateNode, scope: Scope, out: Output): Flow {
    this.budget.step();
    switch (node.type) {
      case "If":
        return this.block(isTrue(this.evaluate(node.test, scope)) ? node.body : node.alternate, scope, out);
      case "For":
        return this.forLoop(node, scope, out);
      case "Set":
        this.assign(node, scope);
        return "end";
      case "Macro":
        scope.set(node.name.value, this.macro(node, scope));
        return "end";
      case "CallStatement":
        out.write(this.callBlock(node, scope));
        return "end";
      case "FilterStatement": {
        const text = this.render(node.body, new Scope(scope));
        out.write(toText(this.filter(text, node.filter, scope), this.budget));
        return "end";
      }
      case "Break":
        return "break";
      case "Continue":
        return "continue";
      case "Comment":
        return "end";
      default:
        out.write(toText(this.evaluate(node, scope), this.budget));
        return "end";
    }
  }

  private forLoop(node: ForStatement, scope: Scope, out: Output): Flow {
    const select = node.iterable.type === "SelectExpression" ? node.iterable : undefined;
    let items = iterate(this.evaluate(select?.lhs ?? node.iterable, scope), this.budget);
    if (select !== undefined) {
      items = items.filter((item) => {
        const inner = new Scope(scope);
        this.bind(node.loopvar, item, inner);
        return isTrue(this.evaluate(select.test, inner));
      });
    }
    if (items.length === 0) return this.block(node.defaultBlock, new Scope(scope), out);
    for (let i = 0; i < items.length; i++) {
      this.budget.step();
      const inner = new Scope(scope);
      inner.set("loop", new Loop(items, i));
      this.bind(node.loopvar, items[i]!, inner);
      if (this.block(node.body, inner, out) === "break") break;
    }
    return "end";
  }

  /** Gives a name, or a tuple of names, its value. */
  private bind(target: Expression, value: Value, scope: Scope): void {
    if (target.type === "Identifier") {
      scope.set(target.value, value);
      return;
    }
    if (target.type !== "TupleLiteral")
      throw failed("The chat template assigns to something that is not a name.");
    const items = iterate(value, this.budget);
    if (items.length !== target.value.length) {
      throw failed(`The chat template unpacks ${items.length} items into ${target.value.length} names.`);
    }
    target.value.forEach((name, i) => this.bind(name, items[i]!, scope));
  }

  private assign(node: SetStatement, scope: Scope): void {
    const value =
      node.value === null ? this.render(node.body, new Scope(scope)) : this.evaluate(node.value, scope);
    if (node.assignee.type !== "MemberExpression") {
      this.bind(node.assignee, value, scope);
      return;
    }
    const object = this.evaluate(node.assignee.object, scope);
    if (!(object instanceof Namespace) || node.assignee.property.type !== "Identifier") {
      throw failed("The chat template sets an attribute of something that is not a namespace.");
    }
    object.attributes.set(node.assignee.property.value, value);
  }

  private macro(node: MacroStatement, scope: Scope): Callable {
    return this.callable(node.name.value, node.args, node.body, scope);
  }

  private callable(
    name: string,
    parameters: readonly Parameter[],
    body: readonly TemplateNode[],
    scope: Scope,
  ): Callable {
    return new Callable(name, (args) =>
      this.budget.nested(() => {
        const inner = new Scope(scope);
        this.bindParameters(parameters, args, inner);
        return this.render(body, inner);
      }),
    );
  }

  private bindParameters(
    parameters: readonly Parameter[],
    { positional, named }: CallArguments,
    scope: Scope,
  ): void {
    const names = new Set<string>();
    parameters.forEach((parameter, i) => {
      const name = parameter.type === "Identifier" ? parameter.value : parameter.key.value;
      names.add(name);
      const given = i < positional.length ? positional[i] : named.get(name);
      const byDefault = () =>
        parameter.type === "Identifier" ? new Undefined(name) : this.evaluate(parameter.value, scope);
      scope.set(name, given === undefined ? byDefault() : given);
    });
    const rest = [...named].filter(([name]) => !names.has(name));
    this.budget.list(positional.length + rest.length);
    scope.set("varargs", new List(positional.slice(parameters.length), true));
    scope.set("kwargs", Dict.of(rest.map(([name, value]) => [new Text(name), value] as const)));
    const caller = named.get("caller");
    if (caller !== undefined) scope.set("caller", caller);
  }

  private callBlock(node: CallStatement, scope: Scope): Text {
    const caller = this.callable("caller", node.callerArgs ?? [], node.body, scope);
    const { positional, named } = this.arguments(node.call.args, scope);
    const callee = this.evaluate(node.call.callee, scope);
    const result = this.call(callee, { positional, named: new Map([...named, ["caller", caller]]) });
    return toText(result, this.budget);
  }
}

export function createEvaluator(budget: TemplateBudget): TemplateEvaluator {
  return new TemplateEvaluator(budget);
}
