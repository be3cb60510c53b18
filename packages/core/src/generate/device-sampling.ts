/** What the host sends to a step that samples, and what it may expect of its candidates. Pure. */
import type { Graph } from "../graph/graph.js";
import { CANDIDATES_HEADER, type Candidates, unpackCandidates } from "../sampling/candidates.js";
import { SETTINGS_COLUMNS, settingsRow } from "../sampling/settings.js";
import type { AppliedSampling } from "./options.js";
import { uniform } from "./philox.js";
import { candidateLogits, coversPenalties, type PositionLogits, recentTokens } from "./position-logits.js";

/** Sizes of a step's op `sample`. */
export interface SamplingShape {
  /** K */
  readonly candidates: number;
  /** H */
  readonly history: number;
  readonly vocabulary: number;
}

/** How the token after an evaluation is chosen. */
export interface SamplingRequest {
  readonly settings: AppliedSampling;
  /** Prompt and text, the tokens of the evaluation included. */
  readonly history: readonly number[];
  /** How many tokens were generated before: the index of the draw. */
  readonly index: number;
  /** How many most likely tokens are asked for beside the chosen one. */
  readonly logprobs: number;
  /** Most evaluations that may follow this one, each of the token that the one before it chose. */
  readonly ahead: number;
  /** Makes the choice. False if it takes more than the candidates tell: the logits follow. */
  readonly onCandidates: (logits: PositionLogits) => boolean;
}

/** Undefined if the step does not sample. */
export function samplingShapeOf({ inputs, outputs }: Graph): SamplingShape | undefined {
  if (!inputs.history || !outputs.candidates || !outputs.logits) return undefined;
  const history = inputs.history.spec.shape[1]!;
  const candidates = (outputs.candidates.spec.shape[1]! - CANDIDATES_HEADER - history) / 2;
  return { candidates, history, vocabulary: outputs.logits.spec.shape[1]! };
}

/** Whether the device makes the choice as the host does. */
export function deviceChooses({ settings }: SamplingRequest, { history }: SamplingShape): boolean {
  return settings.logitBias.size === 0 && coversPenalties(settings, history);
}

/** Whether candidates of a choice that the device makes too may suffice to make it again. */
export function candidatesMaySuffice(
  { settings, logprobs }: SamplingRequest,
  { candidates, vocabulary }: SamplingShape,
): boolean {
  const { temperature, topK, topP, minP } = settings;
  const limited = topK > 0 && topK < vocabulary;
  const few = temperature === 0 || (limited ? topK <= candidates : topP < 1 || minP > 0);
  return few && logprobs <= candidates;
}

/** The history of a row; without a request of one that nobody samples. [H] */
export function historyRow(request: SamplingRequest | undefined, { history }: SamplingShape): Int32Array {
  return recentTokens(request?.history ?? [], history);
}

/** The settings of a row for the token `ahead` steps after the next. [columns] */
export function requestRow(request: SamplingRequest | undefined, ahead = 0): readonly number[] {
  if (request === undefined) return SETTINGS_COLUMNS.map(() => 0);
  const { settings, index } = request;
  return settingsRow(settings, uniform(settings.seed, index + ahead));
}

/** A row of candidates as read, with the choice that the device made. */
export function readCandidates(
  row: Float32Array,
  request: SamplingRequest,
  shape: SamplingShape,
): { readonly logits: PositionLogits; readonly token: number } {
  const candidates: Candidates = unpackCandidates(row, shape.history);
  const logits = candidateLogits(candidates, historyRow(request, shape), shape.vocabulary);
  return { logits, token: candidates.token };
}
