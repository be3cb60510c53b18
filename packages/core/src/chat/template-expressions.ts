/** Evaluates the expressions of a template. Statements are in template-evaluate.ts. */
import type { CallExpression, Expression, Identifier, MemberExpression } from "./template-ast.js";
import type { TemplateBudget } from "./template-budget.js";
import { applyFilter } from "./template-filters.js";
import { iterate } from "./template-iterate.js";
import { attribute, subscript } from "./template-methods.js";
import { binary, elementAt, slice, unary } from "./template-operators.js";
import type { Scope } from "./template-scope.js";
import { applyTest } from "./template-tests.js";
import { Text } from "./template-text.js";
import {
  type CallArguments,
  Callable,
  Dict,
  Float,
  failed,
  isTrue,
  List,
  orUndefined,
  typeName,
  Undefined,
  type Value,
} from "./template-values.js";

const NO_ARGUMENTS: CallArguments = { positional: [], named: new Map() };

export class ExpressionEvaluator {
  constructor(protected readonly budget: TemplateBudget) {}

  evaluate(node: Expression, scope: Scope): Value {
    this.budget.step();
    switch (node.type) {
      case "Identifier":
        return scope.get(node.value);
      case "IntegerLiteral":
        return node.value;
      case "FloatLiteral":
        return new Float(node.value);
      case "StringLiteral":
        return new Text(node.value);
      case "ArrayLiteral":
      case "TupleLiteral":
        this.budget.list(node.value.length);
        return new List(
          node.value.map((item) => this.evaluate(item, scope)),
          node.type === "TupleLiteral",
        );
      case "ObjectLiteral":
        return this.dictionary(node.value, scope);
      case "MemberExpression":
        return this.member(node, scope);
      case "CallExpression":
        return this.call(this.evaluate(node.callee, scope), this.arguments(node.args, scope));
      case "BinaryExpression": {
        const left = this.evaluate(node.left, scope);
        if (node.operator.value === "and") return isTrue(left) ? this.evaluate(node.right, scope) : left;
        if (node.operator.value === "or") return isTrue(left) ? left : this.evaluate(node.right, scope);
        return binary(node.operator.value, left, this.evaluate(node.right, scope), this.budget);
      }
      case "UnaryExpression":
        return unary(node.operator.value, this.evaluate(node.argument, scope));
      case "FilterExpression":
        return this.filter(this.evaluate(node.operand, scope), node.filter, scope);
      case "TestExpression": {
        const passes = applyTest(node.test.value, this.evaluate(node.operand, scope), null, this.budget);
        return passes !== node.negate;
      }
      case "Ternary":
        return this.evaluate(
          isTrue(this.evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr,
          scope,
        );
      case "SelectExpression":
        return isTrue(this.evaluate(node.test, scope))
          ? this.evaluate(node.lhs, scope)
          : new Undefined("an if without else");
      case "SliceExpression":
      case "SpreadExpression":
      case "KeywordSpreadExpression":
      case "KeywordArgumentExpression":
        throw failed(`The chat template has a ${node.type} where a value should stand.`);
      default:
        node satisfies never;
        throw failed("The chat template has a part that Millet does not know.");
    }
  }

  private dictionary(pairs: ReadonlyMap<Expression, Expression>, scope: Scope): Dict {
    this.budget.list(pairs.size * 2);
    const dict = new Dict();
    for (const [keyNode, valueNode] of pairs) {
      const key = this.evaluate(keyNode, scope);
      if (!(key instanceof Text))
        throw failed(`The chat template uses ${typeName(key)} as a key; keys are text.`);
      dict.entries.set(key.value, [key, this.evaluate(valueNode, scope)]);
    }
    return dict;
  }

  private member({ object: objectNode, property, computed }: MemberExpression, scope: Scope): Value {
    const object = this.evaluate(objectNode, scope);
    if (!computed) {
      const name =
        property.type === "Identifier" || property.type === "IntegerLiteral" ? property.value : undefined;
      if (typeof name === "string") return attribute(object, name, this.budget);
      if (typeof name === "number") return this.index(object, name);
      throw failed("The chat template reads an attribute whose name is not a name.");
    }
    if (property.type === "SliceExpression") {
      const bound = (node: Expression | undefined): number | undefined => {
        const value = node === undefined ? null : this.evaluate(node, scope);
        if (value === null || typeof value === "number") return value ?? undefined;
        throw failed(`The chat template slices with ${typeName(value)} as a bound.`);
      };
      return slice(
        object,
        bound(property.start),
        bound(property.stop),
        bound(property.step) ?? 1,
        this.budget,
      );
    }
    const key = this.evaluate(property, scope);
    if (key instanceof Text) return subscript(object, key.value, this.budget);
    if (typeof key === "number") return this.index(object, key);
    if (object instanceof Undefined)
      throw failed(`The chat template reads an item of ${object.name}, which is undefined.`);
    return new Undefined("an item");
  }

  private index(object: Value, index: number): Value {
    if (object instanceof Undefined) {
      throw failed(`The chat template reads item ${index} of ${object.name}, which is undefined.`);
    }
    const found =
      object instanceof Text || object instanceof List ? elementAt(object, index, this.budget) : undefined;
    return orUndefined(found, `item ${index}`);
  }

  protected arguments(nodes: readonly Expression[], scope: Scope): CallArguments {
    if (nodes.length === 0) return NO_ARGUMENTS;
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    for (const node of nodes) {
      if (node.type === "KeywordArgumentExpression")
        named.set(node.key.value, this.evaluate(node.value, scope));
      else if (node.type === "SpreadExpression") {
        const items = iterate(this.evaluate(node.argument, scope), this.budget);
        this.budget.list(items.length);
        for (const item of items) positional.push(item);
      } else if (node.type === "KeywordSpreadExpression") {
        const dict = this.evaluate(node.argument, scope);
        if (!(dict instanceof Dict))
          throw failed(`The chat template unpacks ${typeName(dict)} as named arguments.`);
        this.budget.list(dict.entries.size);
        for (const [name, [, value]] of dict.entries) named.set(name, value);
      } else positional.push(this.evaluate(node, scope));
    }
    return { positional, named };
  }

  protected call(callee: Value, args: CallArguments): Value {
    if (callee instanceof Callable) return callee.call(args);
    throw failed(`The chat template calls ${typeName(callee)}, which is not a function.`);
  }

  protected filter(value: Value, filter: Identifier | CallExpression, scope: Scope): Value {
    if (filter.type === "Identifier") return applyFilter(filter.value, value, NO_ARGUMENTS, this.budget);
    if (filter.callee.type !== "Identifier")
      throw failed("The chat template has a filter whose name is not a name.");
    return applyFilter(filter.callee.value, value, this.arguments(filter.args, scope), this.budget);
  }
}
