/**
 * The one worker where memory cannot be shared: calls come as messages. A program runs in slices of a few
 * milliseconds, between which messages are read, so that an abort is heard.
 */
import type { AbortMessage, CallMessage, ReserveMessage } from "./protocol.js";
import type { EngineExports, Post } from "./worker-types.js";

const SLICE_MILLISECONDS = 8;
/** Parts of a long step: attention of a prompt over a long context takes a tenth of a second. */
const PARTS = 16;
const PAGE_BYTES = 65536;

export class UnsharedServer {
  readonly #engine: EngineExports;
  readonly #memory: WebAssembly.Memory;
  readonly #post: Post;
  /** Resolves in the next turn of the worker's message queue. */
  readonly #channel = new MessageChannel();
  #aborted = new Set<number>();

  constructor(engine: EngineExports, memory: WebAssembly.Memory, post: Post) {
    this.#engine = engine;
    this.#memory = memory;
    this.#post = post;
  }

  /** The host sends the next call or reservation only after the answer to the last. */
  receive(message: CallMessage | AbortMessage | ReserveMessage): void {
    if (message.type === "abort") this.#aborted.add(message.id);
    else if (message.type === "reserve")
      this.#answer(message.id, async () => this.#reserve(message.byteLength));
    else void this.#answer(message.id, () => this.#call(message));
  }

  async #answer(id: number, work: () => Promise<Uint8Array<ArrayBuffer>[]>): Promise<void> {
    try {
      const reads = await work();
      const byteLength = this.#memory.buffer.byteLength;
      this.#post(
        { type: "done", id, reads, byteLength },
        reads.map((bytes) => bytes.buffer),
      );
    } catch (error) {
      this.#post({ type: "error", id, message: String(error) });
    }
    this.#aborted.delete(id);
  }

  #reserve(byteLength: number): Uint8Array<ArrayBuffer>[] {
    const missing = byteLength - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    return [];
  }

  async #call(call: CallMessage): Promise<Uint8Array<ArrayBuffer>[]> {
    const bytes = new Uint8Array(this.#memory.buffer);
    for (const { address, data } of call.writes) bytes.set(data, address);
    if (call.program !== 0) await this.#run(call.program, call.id);
    return call.reads.map(({ address, byteLength }) => bytes.slice(address, address + byteLength));
  }

  async #run(program: number, id: number): Promise<void> {
    let step = program;
    let part = 0;
    while (step !== 0 && !this.#aborted.has(id)) {
      const end = performance.now() + SLICE_MILLISECONDS;
      while (step !== 0 && performance.now() < end) {
        const next = this.#engine.runPart(step, part, PARTS);
        part = next === step ? part + 1 : 0;
        step = next;
      }
      if (step !== 0) await this.#nextTurn();
    }
  }

  /** Node drains a port up to a thousand messages at a time, so there the turn is asked for in another way. */
  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      if (typeof setImmediate === "function") {
        setImmediate(resolve);
        return;
      }
      this.#channel.port1.onmessage = () => resolve();
      this.#channel.port2.postMessage(0);
    });
  }
}
