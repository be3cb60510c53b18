/**
 * The WASM engine where memory cannot be shared (a page that is not cross-origin isolated): one worker owns the memory,
 * and everything goes there and back by message.
 */
import { abortedError, MilletError } from "@millet/core/errors";
import type { Engine, EngineCall } from "../engine.js";
import { CallQueue, type Pending, pending } from "./call-queue.js";
import { outOfMemory } from "./pages.js";
import type { WorkerPool } from "./pool.js";
import type { WorkerMessage } from "./protocol.js";

export interface UnsharedEngineParts {
  readonly initialBytes: number;
  readonly maximumBytes: number;
  readonly pool: WorkerPool;
  readonly description: string;
  readonly limitations: readonly string[];
}

type Answer = Extract<WorkerMessage, { type: "done" }>;

export class UnsharedEngine implements Engine {
  readonly name = "wasm";
  readonly threads = 1;
  readonly description: string;
  readonly limitations: readonly string[];
  byteLength: number;
  readonly #maximumBytes: number;
  readonly #pool: WorkerPool;
  readonly #queue: CallQueue;
  #nextId = 1;
  #answer: Pending<Answer> | undefined;

  constructor({ initialBytes, maximumBytes, pool, description, limitations }: UnsharedEngineParts) {
    this.byteLength = initialBytes;
    this.#maximumBytes = maximumBytes;
    this.#pool = pool;
    this.description = description;
    this.limitations = limitations;
    this.#queue = new CallQueue((busy) => pool.keepAlive(busy));
    void pool.lost.then((error) => this.#queue.stop(error));
    pool.onAnswer = (message) => {
      if (message.type === "done") this.#answer?.resolve(message);
      else
        this.#answer?.reject(new MilletError("BACKEND_FAILED", `The CPU engine failed: ${message.message}.`));
    };
  }

  get lost(): Promise<MilletError> {
    return this.#pool.lost;
  }

  async reserve(byteLength: number): Promise<void> {
    await this.#queue.run(() => this.#reserve(byteLength));
  }

  view(): undefined {
    return undefined;
  }

  call(call: EngineCall): Promise<readonly Uint8Array[]> {
    return this.#queue.run(() => this.#call(call), call.signal);
  }

  async dispose(): Promise<void> {
    this.#queue.stop(new MilletError("DISPOSED", "The model was disposed; load it again."));
    await this.#pool.terminate();
  }

  async #reserve(byteLength: number): Promise<void> {
    if (byteLength <= this.byteLength) return;
    if (byteLength > this.#maximumBytes) throw outOfMemory(byteLength, this.byteLength, this.#maximumBytes);
    const id = this.#nextId++;
    try {
      await this.#ask(() => this.#pool.post({ type: "reserve", id, byteLength }));
    } catch (cause) {
      throw outOfMemory(byteLength, this.byteLength, this.#maximumBytes, cause);
    }
  }

  async #call({ writes = [], program = 0, reads = [], signal }: EngineCall): Promise<readonly Uint8Array[]> {
    const id = this.#nextId++;
    const abort = () => this.#pool.post({ type: "abort", id });
    signal?.addEventListener("abort", abort);
    try {
      const answer = await this.#ask(() => this.#pool.post({ type: "call", id, writes, program, reads }));
      if (signal?.aborted) throw abortedError(signal, "The call");
      return answer.reads;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  async #ask(post: () => void): Promise<Answer> {
    this.#answer = pending<Answer>();
    post();
    const answer = await this.#answer.promise;
    this.byteLength = answer.byteLength;
    return answer;
  }
}
