/** What there is to say of a family's way of writing calls. syntax.ts says it of each. */

/** Marks, then JSON, then marks. */
export interface CallSyntax {
  /** Text that starts a call; "" for a call that is the whole answer. */
  readonly opener: string;
  /** What may stand first behind the opener, blanks aside: tells calls from prose at once. */
  readonly first: RegExp;
  /** Finds the JSON behind the opener: matches up to its bracket. */
  readonly json: RegExp;
  /** What stands between opener and JSON; a group `name` is the name of the call, whose arguments the JSON then is. */
  readonly prelude: RegExp;
  /** Marks that may follow the JSON, in order. */
  readonly closers: readonly string[];
  /** Reads what is no JSON: then all text to the answer's end is the call. */
  readonly raw?: ((text: string) => RawCall) | undefined;
  /** JSON without arguments is no call: an answer in JSON may have a name too. */
  readonly needsArguments?: boolean | undefined;
}

export interface RawCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface FamilySyntax {
  readonly calls: readonly CallSyntax[];
  /** Marks that say nothing by themselves. */
  readonly noise: readonly string[];
  /** Names that stand for "no tool". */
  readonly noTool: readonly string[];
  write(calls: readonly RawCall[]): string;
}

/** Of models that write none. */
export const NO_CALLS: FamilySyntax = { calls: [], noise: [], noTool: [], write: () => "" };

/** The value of JSON text, or undefined if it is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
