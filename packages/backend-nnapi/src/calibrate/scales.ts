/**
 * ActivationScales: the ranges of what enters and leaves a model's dense layers, as plain data that JSON keeps. Made by
 * calibrate(), read back by parseActivationScales(), which refuses what is not whole.
 */
import { MilletError } from "@millet/core/errors";

export const SCALES_FORMAT = "millet-activation-scales";
export const SCALES_VERSION = 1;

/** Least and greatest number of each column. */
export interface ColumnRanges {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** What was seen of one value, [tokens, columns]. */
export interface ActivationRange {
  /** Of usual rows; `power` is the mean square of each column. */
  readonly usual: ColumnRanges & { readonly power: readonly number[] };
  /**
   * Of all rows, where some are far larger than the others: "massive activations" of the first token and of some
   * delimiters (Sun et al. 2024, arXiv 2402.17762).
   */
  readonly all?: ColumnRanges | undefined;
}

/** Positions in `values`. */
export interface LinearRanges {
  readonly input: number;
  readonly output: number;
}

export interface ActivationScales {
  readonly format: typeof SCALES_FORMAT;
  readonly version: typeof SCALES_VERSION;
  /** modelDigest() of the weights. */
  readonly model: string;
  /** How many tokens were seen. */
  readonly tokens: number;
  readonly values: readonly ActivationRange[];
  /** By the name of the layer's weight. Layers with the same input share its entry. */
  readonly linears: Readonly<Record<string, LinearRanges>>;
}

/**
 * @param data what JSON.parse gave
 * @throws MilletError CALIBRATION_INVALID naming the part that is wrong
 */
export function parseActivationScales(data: unknown): ActivationScales {
  const root = objectAt(data, "the file");
  if (root.format !== SCALES_FORMAT) throw invalid("format", `is not "${SCALES_FORMAT}"`);
  if (root.version !== SCALES_VERSION) {
    throw invalid("version", `is ${JSON.stringify(root.version)}, and this version reads ${SCALES_VERSION}`);
  }
  const { model, tokens } = root;
  if (typeof model !== "string" || model === "") throw invalid("model", "names no model");
  if (typeof tokens !== "number" || !Number.isInteger(tokens) || tokens < 1)
    throw invalid("tokens", "is no count");
  const values = listAt(root.values, "values").map((value, i) => rangeAt(value, `values[${i}]`));
  const linears = Object.entries(objectAt(root.linears, "linears")).map(([name, entry]) => {
    const { input, output } = objectAt(entry, `linears["${name}"]`);
    const index = (value: unknown, key: string): number => {
      if (typeof value === "number" && values[value] !== undefined) return value;
      throw invalid(`linears["${name}"].${key}`, "is no index of a value");
    };
    return [name, { input: index(input, "input"), output: index(output, "output") }] as const;
  });
  return {
    format: SCALES_FORMAT,
    version: SCALES_VERSION,
    model,
    tokens,
    values,
    linears: Object.fromEntries(linears),
  };
}

function rangeAt(data: unknown, where: string): ActivationRange {
  const value = objectAt(data, where);
  const usual = objectAt(value.usual, `${where}.usual`);
  const ranges = columnsAt(usual, `${where}.usual`);
  const columns = ranges.low.length;
  const power = numbersAt(usual.power, `${where}.usual.power`, columns);
  if (power.some((x) => x < 0)) throw invalid(`${where}.usual.power`, "has a negative mean square");
  if (value.all === undefined) return { usual: { ...ranges, power } };
  const all = columnsAt(objectAt(value.all, `${where}.all`), `${where}.all`, columns);
  return { usual: { ...ranges, power }, all };
}

function columnsAt(data: Record<string, unknown>, where: string, columns?: number): ColumnRanges {
  const low = numbersAt(data.low, `${where}.low`, columns);
  const high = numbersAt(data.high, `${where}.high`, low.length);
  if (low.some((x, i) => x > high[i]!)) throw invalid(where, "has a low above its high");
  return { low, high };
}

function numbersAt(data: unknown, where: string, length?: number): number[] {
  const list = listAt(data, where);
  const wrong = list.length === 0 || (length !== undefined && list.length !== length);
  if (wrong)
    throw invalid(where, `has ${list.length} numbers${length === undefined ? "" : `, not ${length}`}`);
  return list.map((x, i) => {
    if (typeof x === "number" && Number.isFinite(x)) return x;
    throw invalid(`${where}[${i}]`, "is no finite number");
  });
}

function listAt(data: unknown, where: string): readonly unknown[] {
  if (Array.isArray(data)) return data;
  throw invalid(where, "is no list");
}

function objectAt(data: unknown, where: string): Record<string, unknown> {
  if (typeof data === "object" && data !== null && !Array.isArray(data)) return { ...data };
  throw invalid(where, "is no object");
}

function invalid(where: string, problem: string): MilletError {
  return new MilletError(
    "CALIBRATION_INVALID",
    `The activation scales cannot be used: ${where} ${problem}. Make them anew with "millet calibrate".`,
    { details: { where } },
  );
}
