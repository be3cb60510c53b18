/**
 * Embeds texts with one loaded model, many side by side. Of the KV cache it takes what one text of full length takes, and
 * gives it back. Knows tokens, not text.
 */
import type { Executable } from "../backend/backend.js";
import { MilletError, throwIfAborted } from "../errors.js";
import type { Sequence } from "../generate/sequence.js";
import type { ModelSite } from "../generate/sites.js";
import { stepInputs } from "../generate/step-call.js";
import type { Pooling } from "../models/index.js";
import { type HostTensor, tensorOf, viewAs } from "../tensor/tensor.js";
import { Pool } from "./pool.js";
import { admitted, type EmbedShape, planEmbedStep, type TextPart, type TextSize } from "./shape.js";

/** What embeds texts; it keeps its results, so that it may go on after the loss of a site. */
export interface EmbedJob {
  /** Token ids of each text; at least one, at most the context. */
  readonly texts: readonly (readonly number[])[];
  readonly pooling: Pooling;
  readonly normalize: boolean;
  /** By the texts' indices; filled in as they are done. */
  readonly vectors: Map<number, Float32Array>;
}

/** A text of which some rows may be computed. */
interface Working extends TextSize {
  readonly index: number;
  readonly tokens: readonly number[];
  readonly sequence: Sequence;
  readonly pool: Pool;
  done: number;
}

/**
 * Embeds those texts of a job that have no vector yet.
 * @throws MilletError ABORTED, OUT_OF_MEMORY, BACKEND_FAILED, BACKEND_LOST; the vectors made until then stay in the job
 */
export async function embedTexts(
  site: ModelSite,
  shape: EmbedShape,
  job: EmbedJob,
  signal: AbortSignal,
): Promise<void> {
  const { cache, model } = site;
  const waiting = waitingTexts(job);
  let working: readonly Working[] = [];
  try {
    while (working.length + waiting.length > 0) {
      throwIfAborted(signal, "Embedding");
      const more = waiting.splice(0, admitted(working, waiting, shape, cache.blockRows));
      working = [...working, ...more.map((text) => begin(text, site, job))];
      const { step, parts } = planEmbedStep(working, shape);
      for (const { text, tokens } of parts) await cache.extend(text.sequence, tokens);
      const executable = model.executables[step.name];
      if (!executable) throw new MilletError("INVALID_ARGUMENT", `The model lacks the graph "${step.name}".`);
      const inputs = { site, parts, sequences: step.sequences, shape, pooling: job.pooling };
      await runStep(executable, inputs, signal);
      for (const text of working) if (text.done === text.length) end(text, site, job);
      working = working.filter((text) => text.done < text.length);
    }
  } finally {
    for (const { sequence } of working) cache.drop(sequence);
  }
}

interface Waiting extends TextSize {
  readonly index: number;
  readonly tokens: readonly number[];
}

/** Short ones first, so that texts of similar length share steps. */
function waitingTexts({ texts, vectors }: EmbedJob): Waiting[] {
  return texts
    .map((tokens, index) => ({ index, tokens, length: tokens.length, done: 0 }))
    .filter(({ index }) => !vectors.has(index))
    .sort((a, b) => a.length - b.length);
}

function begin(text: Waiting, { cache, hidden }: ModelSite, { pooling }: EmbedJob): Working {
  return { ...text, sequence: cache.open([], 0), pool: new Pool(pooling, hidden) };
}

function end(
  { index, sequence, pool }: Working,
  { cache }: ModelSite,
  { vectors, normalize }: EmbedJob,
): void {
  vectors.set(index, pool.vector(normalize));
  cache.drop(sequence);
}

interface Step {
  readonly site: ModelSite;
  readonly parts: readonly TextPart<Working>[];
  /** Rows of the block table. */
  readonly sequences: number;
  readonly shape: EmbedShape;
  readonly pooling: Pooling;
}

/** Computes rows of several texts and adds those that are wanted to their pools. */
async function runStep(
  executable: Executable,
  { site, parts, sequences, shape, pooling }: Step,
  signal: AbortSignal,
): Promise<void> {
  const { cache, hidden: columns } = site;
  const calls = parts.map(({ text, tokens }) => ({
    sequence: text.sequence,
    tokens: text.tokens.slice(text.done, text.done + tokens),
    logits: 0,
  }));
  const wanted = parts.map(({ text, tokens }) => Pool.wanted(pooling, text.done, tokens, text.length));
  const inputs = {
    ...stepInputs(calls, cache, sequences, shape.blocksPerSequence),
    logitRows: stepRows(parts, wanted),
    ...(executable.graph.inputs.tokenTypes && { tokenTypes: zeros(parts) }),
  };
  const { hidden } = executable.run({ inputs, state: cache.state, signal });
  const rows = viewAs(await hidden!.read(), "f32");
  let row = 0;
  parts.forEach(({ text, tokens }, i) => {
    for (const _ of wanted[i]!) text.pool.add(rows.subarray(row * columns, ++row * columns));
    cache.append(text.sequence, calls[i]!.tokens);
    text.done += tokens;
  });
}

/** Where the wanted rows of texts lie in the step. */
function stepRows(parts: readonly TextPart<Working>[], wanted: readonly (readonly number[])[]): HostTensor {
  let first = 0;
  const rows = parts.flatMap(({ text, tokens }, i) => {
    const start = first - text.done;
    first += tokens;
    return wanted[i]!.map((row) => start + row);
  });
  return tensorOf("i32", [rows.length], rows);
}

function zeros(parts: readonly TextPart<Working>[]): HostTensor {
  const rows = parts.reduce((sum, { tokens }) => sum + tokens, 0);
  return tensorOf("i32", [rows], new Int32Array(rows));
}
