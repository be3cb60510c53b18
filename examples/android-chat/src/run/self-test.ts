/**
 * The self-test: the model on each provider by itself, the same prompt and the same greedy answer, times, and how far the
 * numbers are from the CPU's. Its report is all that is known of NNAPI on a phone: no automated test touches one.
 */
import { isMilletError, MilletError, type Model } from "@millet/core";
import { type BackendPlan, type PlannedBackend, PROVIDERS, type ProviderName } from "./backend";
import type { DeviceFacts } from "./device";

export const REPORT_FORMAT = 1;

const ANSWER_TOKENS = 16;
/** The backend's chunk: so the accelerator gets a full one. */
const PROMPT_TOKENS = 128;
const PROMPT =
  "The harbour lay still under the morning fog. A small boat with a red sail waited at the pier, and three people " +
  "carried boxes of tools, bread and rope on board. The oldest of them had crossed the bay a hundred times, and yet " +
  "she looked at the water for a long while before she untied the line. Nobody spoke. Far out, where the fog was " +
  "thin, the light of the island turned slowly, once in every twelve seconds, as it had for as long as anyone could " +
  "remember. She counted three turns, nodded, and pushed the boat away from the stones. What happened next was";

export interface CandidateResult {
  readonly name: ProviderName;
  readonly loadMs?: number;
  readonly promptTokens?: number;
  readonly prefillTokensPerSecond?: number | undefined;
  readonly decodeTokensPerSecond?: number | undefined;
  readonly tokenIds?: readonly number[];
  /** Tokens until the answer differs from the CPU's; all of them where it does not. */
  readonly sameTokensAsCpu?: number;
  /** Speeds and numerics of some layers by themselves, as the backend measured them. */
  readonly plan?: BackendPlan | undefined;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface SelfTestReport {
  readonly format: typeof REPORT_FORMAT;
  readonly at: string;
  readonly app: { readonly millet: string; readonly runtime: string; readonly providers: readonly string[] };
  readonly device: DeviceFacts;
  readonly model: string;
  readonly candidates: readonly CandidateResult[];
}

export interface SelfTest {
  readonly address: string;
  readonly app: SelfTestReport["app"];
  readonly device: DeviceFacts;
  /** A backend that takes this provider or fails. */
  backendFor(candidate: ProviderName): PlannedBackend;
  /** Loads the model, which is stored already. */
  load(backend: PlannedBackend, signal: AbortSignal): Promise<Model>;
  readonly signal: AbortSignal;
  onStep(text: string): void;
}

/** Resolves with a report whatever fails on the way, save that the user stops it. @throws MilletError ABORTED */
export async function runSelfTest(test: SelfTest): Promise<SelfTestReport> {
  const candidates: CandidateResult[] = [];
  for (const name of PROVIDERS) {
    test.onStep(`${name}: loading and measuring`);
    candidates.push(await tryCandidate(test, name, candidates[0]?.tokenIds));
  }
  const { app, device, address: model } = test;
  return { format: REPORT_FORMAT, at: new Date().toISOString(), app, device, model, candidates };
}

async function tryCandidate(
  test: SelfTest,
  name: ProviderName,
  onCpu: readonly number[] | undefined,
): Promise<CandidateResult> {
  const backend = test.backendFor(name);
  const begin = performance.now();
  let model: Model | undefined;
  try {
    model = await test.load(backend, test.signal);
    const loadMs = performance.now() - begin;
    test.onStep(`${name}: answering`);
    const { tokenIds, timings, finishReason } = await model.generate(promptFor(model), {
      temperature: 0,
      repetitionPenalty: 1,
      maxTokens: ANSWER_TOKENS,
      ignoreEndOfGeneration: true,
      signal: test.signal,
    }).result;
    if (finishReason === "aborted") throw new MilletError("ABORTED", "The self-test was stopped.");
    return {
      name,
      loadMs,
      promptTokens: timings.prefillTokens,
      prefillTokensPerSecond: timings.prefillTokensPerSecond,
      decodeTokensPerSecond: timings.decodeTokensPerSecond,
      tokenIds,
      sameTokensAsCpu: commonLength(tokenIds, onCpu ?? tokenIds),
      plan: backend.plan,
    };
  } catch (error) {
    if (test.signal.aborted) throw error;
    return { name, plan: backend.plan, error: describeError(error) };
  } finally {
    await model?.dispose();
  }
}

function promptFor({ tokenizer }: Model): readonly number[] {
  return Array.from(tokenizer.encode(PROMPT)).slice(0, PROMPT_TOKENS);
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const different = a.findIndex((id, i) => id !== b[i]);
  return different < 0 ? Math.min(a.length, b.length) : different;
}

export function describeError(error: unknown): { code: string; message: string } {
  if (isMilletError(error)) return { code: error.code, message: error.message };
  return { code: "UNKNOWN", message: error instanceof Error ? error.message : String(error) };
}
