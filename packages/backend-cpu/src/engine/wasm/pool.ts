/** The workers of one engine: started together, lost together, never keeping an idle process alive. */
import { MilletError, throwIfAborted } from "@millet/core/errors";
import { pending } from "./call-queue.js";
import { outOfMemory, PAGE_BYTES } from "./pages.js";
import type { StartMessage, WorkerMessage } from "./protocol.js";
import type { Spawn, WorkerHandle } from "./spawn.js";

export type PoolStart = Omit<StartMessage, "type" | "thread" | "threads" | "announce">;

export class WorkerPool {
  readonly threads: number;
  /** Whether a message, not the memory, tells that a call has finished. */
  readonly announces: boolean;
  readonly lost: Promise<MilletError>;
  /** Messages of workers on unshared memory. */
  onAnswer: (message: Extract<WorkerMessage, { type: "done" | "error" }>) => void = () => {};
  /** Dot mode of the workers. */
  dot = 0;
  /** Pages that a worker's own memory can grow to. */
  maximumPages = 0;
  readonly #workers: WorkerHandle[];
  readonly #ready = pending<void>();
  readonly #lost = pending<MilletError>();
  #announcement = pending<void>();
  #missing: number;
  #failure: string | undefined;
  /** Size of the memory that a worker makes for itself. */
  readonly #initialBytes: number;

  constructor(spawn: Spawn, threads: number, start: PoolStart) {
    this.threads = threads;
    this.announces = typeof Atomics.waitAsync !== "function";
    this.lost = this.#lost.promise;
    this.#missing = threads;
    this.#initialBytes = start.memory instanceof WebAssembly.Memory ? 0 : start.memory.initial * PAGE_BYTES;
    this.#workers = Array.from({ length: threads }, (_, thread) =>
      spawn(`millet-cpu-${thread}`, {
        onMessage: (message) => this.#receive(message),
        onLost: (reason, advice) =>
          this.#lose(`Worker ${thread + 1} of ${threads} has stopped: ${reason}.`, advice),
      }),
    );
    this.#workers.forEach((worker, thread) =>
      worker.post({ type: "start", ...start, thread, threads, announce: this.announces }),
    );
  }

  /** Waits until all workers can take calls. @throws MilletError BACKEND_UNAVAILABLE, ABORTED */
  async ready(signal?: AbortSignal): Promise<void> {
    this.keepAlive(true);
    const abort = () => this.#ready.resolve();
    signal?.addEventListener("abort", abort);
    await this.#ready.promise;
    signal?.removeEventListener("abort", abort);
    this.keepAlive(false);
    throwIfAborted(signal, "Starting the CPU backend");
  }

  post(...message: Parameters<WorkerHandle["post"]>): void {
    this.#workers[0]!.post(...message);
  }

  keepAlive(alive: boolean): void {
    for (const worker of this.#workers) worker.keepAlive(alive);
  }

  /** Resolves with the next message that a call has finished. */
  announcement(): Promise<void> {
    return this.#announcement.promise;
  }

  /** The error of a call in which a thread trapped. */
  failure(): MilletError {
    return new MilletError(
      "BACKEND_FAILED",
      `The CPU engine failed while it ran a program${this.#failure ? `: ${this.#failure}` : ""}. Please report this.`,
    );
  }

  async terminate(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #receive(message: WorkerMessage): void {
    switch (message.type) {
      case "ready":
        this.dot = message.dot;
        this.maximumPages = message.maximumPages;
        if (--this.#missing === 0) this.#ready.resolve();
        return;
      case "failed":
        this.#failure = message.message;
        if (this.#missing > 0) this.#lose(`A worker could not start: ${message.message}.`);
        return;
      case "lost":
        this.#lose(`A worker has stopped: ${message.message}.`);
        return;
      case "no memory":
        this.#fail(outOfMemory(this.#initialBytes, 0, this.#initialBytes, message.message));
        return;
      case "finished":
        this.#announcement.resolve();
        this.#announcement = pending();
        return;
      case "done":
      case "error":
        this.onAnswer(message);
        return;
      default:
        message satisfies never;
    }
  }

  #lose(reason: string, advice = "Load the model again."): void {
    const code = this.#missing > 0 ? "BACKEND_UNAVAILABLE" : "BACKEND_LOST";
    this.#fail(new MilletError(code, `${reason} ${advice}`));
  }

  /** The others go too: they would wait for the share of the one that has gone. */
  #fail(error: MilletError): void {
    this.#ready.reject(error);
    this.#ready.promise.catch(() => undefined);
    this.#lost.resolve(error);
    void this.terminate();
  }
}
