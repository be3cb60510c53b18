/** The parsed template, as @huggingface/jinja's parser builds it: the nodes that the evaluator reads. Types only. */

export type Expression =
  | { readonly type: "Identifier"; readonly value: string }
  | { readonly type: "IntegerLiteral"; readonly value: number }
  | { readonly type: "FloatLiteral"; readonly value: number }
  | { readonly type: "StringLiteral"; readonly value: string }
  | { readonly type: "ArrayLiteral"; readonly value: readonly Expression[] }
  | { readonly type: "TupleLiteral"; readonly value: readonly Expression[] }
  | { readonly type: "ObjectLiteral"; readonly value: ReadonlyMap<Expression, Expression> }
  | MemberExpression
  | CallExpression
  | BinaryExpression
  | FilterExpression
  | {
      readonly type: "TestExpression";
      readonly operand: Expression;
      readonly negate: boolean;
      readonly test: Identifier;
    }
  | {
      readonly type: "UnaryExpression";
      readonly operator: { readonly value: string };
      readonly argument: Expression;
    }
  | {
      readonly type: "Ternary";
      readonly condition: Expression;
      readonly trueExpr: Expression;
      readonly falseExpr: Expression;
    }
  | SelectExpression
  | SliceExpression
  | { readonly type: "SpreadExpression"; readonly argument: Expression }
  | { readonly type: "KeywordSpreadExpression"; readonly argument: Expression }
  | KeywordArgument;

export type Identifier = Extract<Expression, { type: "Identifier" }>;

export interface MemberExpression {
  readonly type: "MemberExpression";
  readonly object: Expression;
  readonly property: Expression;
  /** a[b] rather than a.b */
  readonly computed: boolean;
}

export interface CallExpression {
  readonly type: "CallExpression";
  readonly callee: Expression;
  readonly args: readonly Expression[];
}

export interface BinaryExpression {
  readonly type: "BinaryExpression";
  readonly operator: { readonly value: string };
  readonly left: Expression;
  readonly right: Expression;
}

export interface FilterExpression {
  readonly type: "FilterExpression";
  readonly operand: Expression;
  readonly filter: Identifier | CallExpression;
}

/** `lhs if test`, without else; in a for statement the filter of the items. */
export interface SelectExpression {
  readonly type: "SelectExpression";
  readonly lhs: Expression;
  readonly test: Expression;
}

export interface SliceExpression {
  readonly type: "SliceExpression";
  readonly start: Expression | undefined;
  readonly stop: Expression | undefined;
  readonly step: Expression | undefined;
}

export interface KeywordArgument {
  readonly type: "KeywordArgumentExpression";
  readonly key: Identifier;
  readonly value: Expression;
}

export type Parameter = Identifier | KeywordArgument;

export interface ForStatement {
  readonly type: "For";
  readonly loopvar: Expression;
  readonly iterable: Expression;
  readonly body: readonly TemplateNode[];
  readonly defaultBlock: readonly TemplateNode[];
}

export interface SetStatement {
  readonly type: "Set";
  readonly assignee: Expression;
  readonly value: Expression | null;
  readonly body: readonly TemplateNode[];
}

export interface MacroStatement {
  readonly type: "Macro";
  readonly name: Identifier;
  readonly args: readonly Parameter[];
  readonly body: readonly TemplateNode[];
}

export interface CallStatement {
  readonly type: "CallStatement";
  readonly call: CallExpression;
  readonly callerArgs: readonly Parameter[] | null;
  readonly body: readonly TemplateNode[];
}

/** A statement, or an expression whose value is written. */
export type TemplateNode =
  | Expression
  | ForStatement
  | SetStatement
  | MacroStatement
  | CallStatement
  | {
      readonly type: "If";
      readonly test: Expression;
      readonly body: readonly TemplateNode[];
      readonly alternate: readonly TemplateNode[];
    }
  | {
      readonly type: "FilterStatement";
      readonly filter: Identifier | CallExpression;
      readonly body: readonly TemplateNode[];
    }
  | { readonly type: "Break" }
  | { readonly type: "Continue" }
  | { readonly type: "Comment" };

export interface TemplateProgram {
  readonly type: "Program";
  readonly body: readonly TemplateNode[];
}
