/** A running generation as its caller sees it: chunks as they come, the result at the end. */
import { MilletError } from "../errors.js";
import type { GenerationChunk, GenerationResult, GenerationStream } from "./result.js";

/** Produces chunks until the text ends or `signal` fires; an abort resolves, a failure rejects. */
export type Producer = (
  emit: (chunk: GenerationChunk) => void,
  signal: AbortSignal,
) => Promise<GenerationResult>;

/**
 * Starts a generation.
 * @param signal the caller's; the producer's also fires when the caller leaves the stream
 */
export function startGeneration(producer: Producer, signal: AbortSignal | undefined): GenerationStream {
  return new RunningGeneration(producer, signal);
}

class RunningGeneration implements GenerationStream {
  readonly result: Promise<GenerationResult>;
  readonly #controller = new AbortController();
  readonly #chunks: GenerationChunk[] = [];
  #wake: () => void = () => {};
  #ended = false;
  #isRead = false;

  constructor(producer: Producer, signal: AbortSignal | undefined) {
    const onAbort = () => this.#controller.abort(signal?.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const emit = (chunk: GenerationChunk) => {
      this.#chunks.push(chunk);
      this.#wake();
    };
    this.result = producer(emit, this.#controller.signal).finally(() => {
      signal?.removeEventListener("abort", onAbort);
      this.#ended = true;
      this.#wake();
    });
    // Whoever reads the stream sees the failure there: `result` left alone must not count as unhandled.
    this.result.catch(() => undefined);
  }

  abort(): void {
    this.#controller.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    for await (const { text } of this.chunks()) if (text !== "") yield text;
  }

  /** @throws MilletError INVALID_ARGUMENT the second time: the chunks are gone */
  chunks(): AsyncGenerator<GenerationChunk, void, undefined> {
    if (this.#isRead) {
      throw new MilletError(
        "INVALID_ARGUMENT",
        "A generation's stream can be read once. Await its result for all.",
      );
    }
    this.#isRead = true;
    return this.#read();
  }

  async *#read(): AsyncGenerator<GenerationChunk, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) yield chunk;
        else if (this.#ended) break;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      await this.result; // throws what ended the generation
    } finally {
      this.abort(); // the loop was left early; after the end this does nothing
    }
  }
}
