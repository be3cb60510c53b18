/** A step that a backend was given: its results until they are read or thrown away. Reads begin at once. */
import type { DeviceBuffer } from "../backend/backend.js";
import { viewAs } from "../tensor/tensor.js";

/** What the host is sure to want of a step. */
export interface StepReads {
  readonly candidates: boolean;
  readonly logits: boolean;
}

export type StepOutputs = Readonly<Record<string, DeviceBuffer>>;

export class EnqueuedStep {
  /** Rows of packed candidates; undefined unless they were asked for. */
  readonly candidates: Promise<Float32Array> | undefined;
  readonly #outputs: StepOutputs;
  readonly #abort = new AbortController();
  #logits: Promise<Float32Array> | undefined;

  /** @param run enqueues the step */
  constructor(run: (signal: AbortSignal) => StepOutputs, reads: StepReads) {
    this.#outputs = run(this.#abort.signal);
    this.candidates = reads.candidates ? this.#read("candidates") : undefined;
    if (reads.logits) void this.logits();
  }

  /** Rows of logits. @throws MilletError why the step failed */
  logits(): Promise<Float32Array> {
    this.#logits ??= this.#read("logits");
    return this.#logits;
  }

  /** What the step after this one takes from it. */
  get next(): { readonly tokens: DeviceBuffer; readonly history: DeviceBuffer } {
    return { tokens: this.#outputs.token!, history: this.#outputs.history! };
  }

  /** Ends the step if it still runs. */
  abort(): void {
    this.#abort.abort();
  }

  /** Throws away what was not read. */
  dispose(): void {
    for (const output of Object.values(this.#outputs)) output.dispose();
  }

  #read(name: string): Promise<Float32Array> {
    const values = this.#outputs[name]!.read().then((tensor) => viewAs(tensor, "f32"));
    values.catch(() => undefined); // whoever waits for it sees the failure
    return values;
  }
}
