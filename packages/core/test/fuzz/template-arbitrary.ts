/** Chat templates for fuzzing: written by a grammar of Jinja, then sometimes damaged as text. */
import fc from "fast-check";

const NAMES = ["messages", "m", "tools", "ns", "x", "loop", "missing", "bos_token", "range", "f"];
const NUMBERS = ["0", "1", "-1", "3", "2.5", "10000", "1000000000", "10**30"];
const STRINGS = ["''", "'a'", "'<|im_end|>'", "' x '", "'\\n'", "'role'", "'content'", "'ab' * 3"];
const FILTERS = (
  "trim upper lower title length first last list reverse sort join tojson string int float abs items unique safe e " +
  "capitalize dictsort map('upper') map(attribute='role') selectattr('role') reject('odd') indent(2) tojson(indent=2) " +
  "default('d') replace('a', 'bb') round(2) sum max nonsense"
).match(/\w+(?:\([^)]*\))?/g)!;
const METHODS = [
  ".role",
  "['content']",
  "[0]",
  "[-1]",
  "[1:]",
  "[::-1]",
  ".items()",
  ".split('a')",
  ".strip()",
  ".replace('', 'xx')",
  ".startswith('a')",
  ".get('role')",
  ".index",
  ".constructor",
  "()",
];
const TESTS = [
  "defined",
  "none",
  "string",
  "mapping",
  "iterable",
  "odd",
  "number",
  "not defined",
  "nonsense",
];
const OPERATORS = [
  "+",
  "-",
  "*",
  "/",
  "//",
  "%",
  "**",
  "~",
  "==",
  "!=",
  "<",
  ">=",
  "in",
  "not in",
  "and",
  "or",
];

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(...NAMES, ...NUMBERS, ...STRINGS),
    fc.tuple(tie("expression"), fc.constantFrom(...METHODS)).map(([e, method]) => e + method),
    fc.tuple(tie("expression"), fc.constantFrom(...FILTERS)).map(([e, filter]) => `(${e}) | ${filter}`),
    fc
      .tuple(tie("expression"), fc.constantFrom(...OPERATORS), tie("expression"))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc.tuple(tie("expression"), fc.constantFrom(...TESTS)).map(([e, test]) => `(${e} is ${test})`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `(${a} if ${b} else ${a})`),
    fc.array(tie("expression"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    tie("expression").map((e) => `{'k': ${e}}`),
    tie("expression").map((e) => `range(${e})`),
    tie("expression").map((e) => `not ${e}`),
  ),
}));

const { block } = fc.letrec<{ block: string }>((tie) => ({
  block: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("text", "\n", "  <|im_end|>", "{# note #}", "{% break %}", "{% continue %}"),
    expression.map((e) => `{{ ${e} }}`),
    expression.map((e) => `{{- ${e} -}}`),
    expression.map((e) => `{% set x = ${e} %}`),
    expression.map((e) => `{% set ns.x = ns.x + ${e} %}`),
    fc.tuple(expression, tie("block")).map(([e, body]) => `{% if ${e} %}${body}{% else %}no{% endif %}`),
    fc.tuple(expression, tie("block")).map(([e, body]) => `{% for m in ${e} %}${body}{% endfor %}`),
    fc
      .tuple(expression, tie("block"))
      .map(([e, body]) => `{% for m in messages if ${e} %}${body}{% endfor %}`),
    tie("block").map((body) => `{% macro f(a=1) %}${body}{% endmacro %}{{ f(2) }}`),
    tie("block").map((body) => `{% set x %}${body}{% endset %}`),
    tie("block").map((body) => `{% filter upper %}${body}{% endfilter %}`),
    fc.tuple(tie("block"), tie("block")).map(([a, b]) => a + b),
  ),
}));

const damage = fc.record({
  at: fc.nat(),
  length: fc.nat({ max: 6 }),
  insert: fc.constantFrom(
    "",
    "{%",
    "%}",
    "{{",
    "(",
    "'",
    "\\",
    "{% endif %}",
    "\u0000",
    " - ",
    "|",
    "((((((((",
    "\ud800",
  ),
});

export const template = fc
  .record({
    blocks: fc.array(block, { minLength: 1, maxLength: 4 }),
    cuts: fc.array(damage, { maxLength: 1 }),
  })
  .map(({ blocks, cuts }) => {
    let source = `{% set ns = namespace(x='') %}${blocks.join("")}`;
    for (const { at, length, insert } of cuts) {
      const start = at % (source.length * 3); // two in three stay whole
      if (start < source.length) source = source.slice(0, start) + insert + source.slice(start + length);
    }
    return source;
  });

const data = fc.jsonValue({ maxDepth: 2, stringUnit: "binary" });
export const messages = fc.array(
  fc.record({
    role: fc.constantFrom("user", "assistant", "system", "tool", "<|im_end|>"),
    content: fc.oneof(fc.string({ unit: "binary", maxLength: 20 }), fc.constant("<|im_end|>"), data),
    extra: data,
  }),
  { maxLength: 4 },
);
