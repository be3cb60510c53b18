/** Checks a caller's options and fills in defaults, once, before a generation starts. */
import { MilletError } from "../errors.js";
import { randomBits } from "../platform/random.js";
import { type AppliedSampling, DEFAULT_SAMPLING, type GenerateOptions } from "./options.js";

/** Options without gaps. */
export interface ResolvedOptions {
  readonly sampling: AppliedSampling;
  readonly maxTokens: number;
  readonly stopStrings: readonly string[];
  readonly stopTokens: ReadonlySet<number>;
  /** Undefined: no log-probabilities. */
  readonly logprobs: number | undefined;
  readonly slide: boolean;
  readonly keepTokens: number;
}

/** What the model contributes. */
export interface ModelFacts {
  readonly vocabularySize: number;
  readonly endOfGenerationIds: readonly number[];
}

/**
 * Later layers win; an undefined option counts as not given.
 * @throws MilletError INVALID_ARGUMENT naming the option that is out of range
 */
export function resolveOptions(model: ModelFacts, ...layers: readonly GenerateOptions[]): ResolvedOptions {
  const given = mergeOptions(...layers);
  const endIds = given.ignoreEndOfGeneration ? [] : model.endOfGenerationIds;
  const stopTokens = given.stopTokens ?? [];
  for (const id of stopTokens) checkId("stopTokens", id, model.vocabularySize);
  const logprobs = given.logprobs;
  if (logprobs !== undefined) integer("logprobs", logprobs, 0, model.vocabularySize);
  return {
    sampling: resolveSampling(given, model.vocabularySize),
    maxTokens: given.maxTokens === undefined ? Infinity : integer("maxTokens", given.maxTokens, 0),
    stopStrings: stopStringsOf(given.stop),
    stopTokens: new Set([...endIds, ...stopTokens]),
    logprobs,
    slide: slides(given.onContextFull ?? "error"),
    keepTokens: integer("keepTokens", given.keepTokens ?? 4, 0),
  };
}

/** Options in which a later layer's given values replace an earlier one's. */
export function mergeOptions<Options extends object>(...layers: readonly Options[]): Partial<Options> {
  const given = layers.flatMap((layer) => Object.entries(layer).filter(([, value]) => value !== undefined));
  return Object.fromEntries(given) as Partial<Options>;
}

function resolveSampling(options: Partial<GenerateOptions>, vocabularySize: number): AppliedSampling {
  const value = <Name extends keyof typeof DEFAULT_SAMPLING>(name: Name, least: number, most = Infinity) =>
    number(name, options[name] ?? DEFAULT_SAMPLING[name], least, most);
  return Object.freeze({
    temperature: value("temperature", 0),
    topK: integer("topK", value("topK", 0), 0),
    topP: value("topP", 0, 1),
    minP: value("minP", 0, 1),
    repetitionPenalty: value("repetitionPenalty", Number.MIN_VALUE),
    frequencyPenalty: value("frequencyPenalty", -Infinity),
    presencePenalty: value("presencePenalty", -Infinity),
    penaltyTokens: integer("penaltyTokens", value("penaltyTokens", 0), 0),
    logitBias: biasMap(options.logitBias, vocabularySize),
    seed: integer("seed", options.seed ?? randomBits(), 0),
  });
}

function biasMap(bias: GenerateOptions["logitBias"], vocabularySize: number): ReadonlyMap<number, number> {
  const entries = bias instanceof Map ? [...bias] : Object.entries(bias ?? {});
  return new Map(
    entries.map(([key, value]) => {
      const id = checkId("logitBias", Number(key), vocabularySize);
      if (typeof value === "number" && value < Infinity) return [id, value];
      throw invalid("logitBias", value, "a number below Infinity");
    }),
  );
}

function stopStringsOf(stop: GenerateOptions["stop"]): readonly string[] {
  const strings = stop === undefined ? [] : typeof stop === "string" ? [stop] : stop;
  for (const text of strings) {
    if (typeof text !== "string" || text === "") throw invalid("stop", text, "made of strings with content");
  }
  return strings;
}

function slides(choice: unknown): boolean {
  if (choice !== "error" && choice !== "slide") throw invalid("onContextFull", choice, '"error" or "slide"');
  return choice === "slide";
}

function checkId(name: string, id: unknown, vocabularySize: number): number {
  return integer(name, id, 0, vocabularySize - 1);
}

/** A whole number in a range. @throws MilletError INVALID_ARGUMENT */
export function integer(name: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(name, value, `a whole number from ${least} to ${most}`);
}

function number(name: string, value: unknown, least: number, most: number): number {
  const ok = typeof value === "number" && Number.isFinite(value) && value >= least && value <= most;
  if (ok) return value;
  throw invalid(
    name,
    value,
    most === Infinity ? `a number of at least ${least}` : `from ${least} to ${most}`,
  );
}

function invalid(name: string, value: unknown, rule: string): MilletError {
  return new MilletError("INVALID_ARGUMENT", `Option ${name} must be ${rule}; it is ${String(value)}.`);
}
