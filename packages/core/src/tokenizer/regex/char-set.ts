/** Sets of characters in expressions: ranges, Unicode properties, unions, intersections, negations. */

/** Whether a set holds the character with that code point. */
export type CharTest = (point: number) => boolean;

/** A set that remembers its answers for the characters of the basic plane. */
export class CharSet {
  /** 0: not asked yet; 1: no; 2: yes. */
  private readonly known = new Uint8Array(0x10000);

  constructor(private readonly test: CharTest) {}

  has(point: number): boolean {
    if (point > 0xffff) return this.test(point);
    const known = this.known[point]!;
    if (known !== 0) return known === 2;
    const has = this.test(point);
    this.known[point] = has ? 2 : 1;
    return has;
  }
}

export function range(first: number, last: number): CharTest {
  return (point) => point >= first && point <= last;
}

export function anyOf(tests: readonly CharTest[]): CharTest {
  return tests.length === 1 ? tests[0]! : (point) => tests.some((test) => test(point));
}

export function allOf(tests: readonly CharTest[]): CharTest {
  return tests.length === 1 ? tests[0]! : (point) => tests.every((test) => test(point));
}

export function not(test: CharTest): CharTest {
  return (point) => !test(point);
}

/** JavaScript's name of a property, or undefined if it has none such. */
function expressionOf(name: string): RegExp | undefined {
  for (const property of [name, `Script=${name}`]) {
    try {
      return new RegExp(`^\\p{${property}}$`, "u");
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return undefined;
}

/** Oniguruma's names that JavaScript has under others. */
const ALIASES: Readonly<Record<string, string>> = {
  alpha: "Alphabetic",
  alnum: "[\\p{Alphabetic}\\p{Nd}]",
  digit: "Nd",
  lower: "Lowercase",
  upper: "Uppercase",
  punct: "P",
  space: "White_Space",
  word: "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]",
  cntrl: "Cc",
  blank: "[\\t\\p{Zs}]",
  xdigit: "ASCII_Hex_Digit",
};

/** The set of a Unicode property, by its name in an expression; undefined if it is not known. */
export function property(name: string): CharTest | undefined {
  if (!/^[A-Za-z_]{1,40}$/.test(name)) return undefined;
  const alias = ALIASES[name.toLowerCase()];
  const expression = alias?.startsWith("[") ? new RegExp(`^${alias}$`, "u") : expressionOf(alias ?? name);
  return expression && ((point) => expression.test(String.fromCodePoint(point)));
}

export const WHITE_SPACE: CharTest = (point) => /^\p{White_Space}$/u.test(String.fromCodePoint(point));
export const WORD: CharTest = (point) =>
  /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]$/u.test(String.fromCodePoint(point));
export const DIGIT: CharTest = (point) => /^\p{Nd}$/u.test(String.fromCodePoint(point));

/** Characters whose one-character lower case is that of others: long s, Kelvin, Angstrom. */
const FOLDS: ReadonlyMap<number, number> = new Map([
  [0x17f, 0x73],
  [0x212a, 0x6b],
  [0x212b, 0xe5],
]);

function folded(point: number): number {
  const known = FOLDS.get(point);
  if (known !== undefined) return known;
  const lower = String.fromCodePoint(point).toLowerCase();
  return [...lower].length === 1 ? lower.codePointAt(0)! : point;
}

/** The same set, whatever the case. */
export function ignoringCase(test: CharTest): CharTest {
  return (point) => {
    const lower = folded(point);
    if (test(point) || test(lower)) return true;
    const upper = String.fromCodePoint(lower).toUpperCase();
    if ([...upper].length === 1 && test(upper.codePointAt(0)!)) return true;
    for (const [special, to] of FOLDS) if (to === lower && test(special)) return true;
    return false;
  };
}
