/**
 * An engine that runs known programs step by step and reports the time of each step. Calls keep their order, so that
 * nothing else touches memory between two steps.
 */
import type { MilletError } from "@millet/core/errors";
import { Opcode } from "../../assembly/opcodes.js";
import type { StepTrace } from "../options.js";
import type { Program } from "../program/program.js";
import type { Engine, EngineCall } from "./engine.js";
import { CallQueue } from "./wasm/call-queue.js";

export class TracingEngine implements Engine {
  readonly #engine: Engine;
  readonly #programs: ReadonlyMap<number, Program>;
  readonly #trace: (step: StepTrace) => void;
  readonly #queue = new CallQueue(() => {});

  /** @param programs by their byte addresses; the bytes there are written over */
  constructor(engine: Engine, programs: ReadonlyMap<number, Program>, trace: (step: StepTrace) => void) {
    this.#engine = engine;
    this.#programs = programs;
    this.#trace = trace;
  }

  get name(): Engine["name"] {
    return this.#engine.name;
  }

  get description(): string {
    return this.#engine.description;
  }

  get threads(): number {
    return this.#engine.threads;
  }

  get limitations(): readonly string[] {
    return this.#engine.limitations;
  }

  get lost(): Promise<MilletError> {
    return this.#engine.lost;
  }

  get byteLength(): number {
    return this.#engine.byteLength;
  }

  reserve(byteLength: number): Promise<void> {
    return this.#engine.reserve(byteLength);
  }

  view(address: number, byteLength: number): Uint8Array | undefined {
    return this.#engine.view(address, byteLength);
  }

  call(call: EngineCall): Promise<readonly Uint8Array[]> {
    const { program: address = 0 } = call;
    const program = this.#programs.get(address);
    return this.#queue.run(
      () => (program ? this.#runSteps(program, address, call) : this.#engine.call(call)),
      call.signal,
    );
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  async #runSteps(program: Program, address: number, call: EngineCall): Promise<readonly Uint8Array[]> {
    const { writes = [], reads = [], signal } = call;
    await this.#engine.call({ writes });
    for (const [index, { opcode, label }] of program.steps.entries()) {
      const data = alone(program, index);
      const began = performance.now();
      await this.#engine.call({ writes: [{ address, data }], program: address, ...(signal && { signal }) });
      const elapsedMs = performance.now() - began;
      this.#trace({ program: program.name, index, kernel: Opcode[opcode], label, elapsedMs });
    }
    return this.#engine.call({ reads });
  }
}

/** A program of one step, which meets nobody before it. */
function alone({ steps, words, offsets }: Program, index: number): Uint8Array {
  const start = offsets[index]! / 4;
  const step = words.slice(start, start + words[start + 1]! + 2);
  step[0] = steps[index]!.opcode;
  step.set([Opcode.End, 2], step.length - 2);
  return new Uint8Array(step.buffer);
}
