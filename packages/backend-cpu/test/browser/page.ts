/**
 * The page of the browser test: loads the shipped model with the CPU backend, shows what serves, and streams answers. The test
 * drives it through `window.millet`.
 */
import { cpu } from "@millet/backend-cpu";
import { loadModel, type Model } from "@millet/core";
import smollm2 from "@millet/model-smollm2-135m-instruct";

export interface LoadReport {
  readonly isIsolated: boolean;
  readonly threads: number;
  readonly description: string;
  readonly limitations: readonly string[];
  readonly loadMs: number;
  /** Phases of progress, in the order in which they were first seen. */
  readonly phases: readonly string[];
}

export interface AnswerReport {
  readonly text: string;
  readonly finishReason: string;
  readonly chunks: number;
  readonly tokens: number;
  readonly decodeTokensPerSecond: number;
  /** The longest time for which the page's own thread did not get to run. */
  readonly longestBlockMs: number;
  /** From the abort to the end of the stream; undefined if it was not aborted. */
  readonly abortMs: number | undefined;
}

export interface AnswerRequest {
  readonly prompt: string;
  readonly maxTokens: number;
  /** Abort as soon as this many pieces of text have arrived. */
  readonly abortAfterChunks?: number;
  /** Abort this long after the call: within prefill, if the prompt is long. */
  readonly abortAfterMs?: number;
}

export interface TestPage {
  load(): Promise<LoadReport>;
  answer(request: AnswerRequest): Promise<AnswerReport>;
  dispose(): Promise<void>;
}

declare global {
  interface Window {
    millet: TestPage;
  }
}

let model: Model | undefined;

function show(id: string, text: string): void {
  document.getElementById(id)!.textContent = text;
}

async function load(): Promise<LoadReport> {
  const phases: string[] = [];
  model = await loadModel(smollm2, {
    backend: cpu(),
    onProgress: ({ phase, loadedBytes, totalBytes }) => {
      if (!phases.includes(phase)) phases.push(phase);
      show("status", `${phase}: ${loadedBytes} of ${totalBytes} bytes`);
    },
  });
  const { description, threads, limitations } = model.backend.capabilities;
  const { loadMs } = model;
  show("status", `${model.info.name}, loaded in ${Math.round(loadMs)} ms`);
  show("backend", `${description}, cross-origin isolated: ${crossOriginIsolated}`);
  show("limitations", limitations.join(" "));
  return { isIsolated: crossOriginIsolated, threads, description, limitations, loadMs, phases };
}

async function answer({
  prompt,
  maxTokens,
  abortAfterChunks,
  abortAfterMs,
}: AnswerRequest): Promise<AnswerReport> {
  if (!model) throw new Error("Load a model first.");
  const stop = new AbortController();
  let abortedAt: number | undefined;
  const abort = () => {
    abortedAt ??= performance.now();
    stop.abort();
  };
  if (abortAfterMs !== undefined) setTimeout(abort, abortAfterMs);
  const watch = watchBlocks();
  const stream = model.generate([{ role: "user", content: prompt }], {
    temperature: 0,
    maxTokens,
    signal: stop.signal,
  });
  let text = "";
  let chunks = 0;
  show("prompt", prompt.length > 200 ? `${prompt.slice(0, 200)}…` : prompt);
  for await (const piece of stream) {
    text += piece;
    show("answer", text);
    if (++chunks === abortAfterChunks) abort();
  }
  const endedAt = performance.now();
  const { finishReason, tokenIds, timings } = await stream.result;
  return {
    text,
    finishReason,
    chunks,
    tokens: tokenIds.length,
    decodeTokensPerSecond: timings.decodeTokensPerSecond,
    longestBlockMs: watch.stop(),
    abortMs: abortedAt === undefined ? undefined : endedAt - abortedAt,
  };
}

const TICK_MS = 5;

/** Ticks as often as it can; a gap between two ticks is time in which the page could not have reacted. */
function watchBlocks(): { stop(): number } {
  let longest = 0;
  let last = performance.now();
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last - TICK_MS);
    last = now;
  };
  const timer = setInterval(tick, TICK_MS);
  return {
    stop() {
      clearInterval(timer);
      tick();
      return longest;
    },
  };
}

async function dispose(): Promise<void> {
  await model?.dispose();
  model = undefined;
}

window.millet = { load, answer, dispose };
