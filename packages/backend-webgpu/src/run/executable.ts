/** A compiled graph: run() writes a call's inputs, encodes the program for as many rows, and hands out its outputs. */
import {
  type ActiveRows,
  type Call,
  checkCall,
  checkIndices,
  type DeviceBuffer,
  type Executable,
  isDeviceBuffer,
  outputSpec,
} from "@millet/core/backend";
import { MilletError, throwIfAborted } from "@millet/core/errors";
import type { Graph, Value } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";
import { type HostTensor, type TensorSpec, viewAs } from "@millet/core/tensor";
import { BufferUsage } from "../device/flags.js";
import { WebgpuState } from "../kv/state.js";
import type { CallLayout } from "../lower/call-layout.js";
import type { LoweredGraph } from "../lower/lower.js";
import type { Matrix } from "../lower/matrix.js";
import type { CallSize, Operand } from "../program/dispatch.js";
import { fillCallWords } from "./call-words.js";
import type { CompiledProgram } from "./compiled-program.js";
import { FailedOutput, WebgpuOutput } from "./output.js";
import type { ModelRuntime } from "./runtime.js";
import type { Tracer } from "./tracer.js";

/** A graph lowered and compiled for at most so many rows. */
export interface Variant {
  readonly lowered: LoweredGraph;
  readonly compiled: CompiledProgram;
}

export class WebgpuExecutable implements Executable {
  readonly graph: Graph;
  readonly #layout: CallLayout;
  /** The fewest rows first. */
  readonly #variants: readonly Variant[];
  readonly #runtime: ModelRuntime;
  readonly #pages: readonly GPUBuffer[];
  readonly #tracer: Tracer | undefined;
  readonly #call: GPUBuffer;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #lengths: Value | undefined;

  constructor(
    graph: Graph,
    layout: CallLayout,
    variants: readonly Variant[],
    runtime: ModelRuntime,
    pages: readonly GPUBuffer[],
    tracer: Tracer | undefined,
  ) {
    this.graph = graph;
    this.#layout = layout;
    this.#variants = variants;
    this.#runtime = runtime;
    this.#pages = pages;
    this.#tracer = tracer;
    this.#words = new Uint32Array(layout.words);
    const usage = BufferUsage.Storage | BufferUsage.CopyTarget;
    this.#call = runtime.device.gpu.createBuffer({ size: this.#words.byteLength, usage });
    this.#lengths = graph.nodes.map(asOpNode).find(({ op }) => op === "attention")?.inputs[7];
  }

  run(call: Call): Readonly<Record<string, DeviceBuffer>> {
    const rows = checkCall(this.graph, call);
    const specs = Object.keys(this.graph.outputs).map(
      (name) => [name, outputSpec(this.graph, name, rows)] as const,
    );
    try {
      const { outputs } = this.#encode(call, rows).lowered;
      const made = specs.map(([name, spec]) => [name, this.#output(spec, outputs.get(name)!, call)] as const);
      return Object.fromEntries(made);
    } catch (error) {
      return Object.fromEntries(specs.map(([name, spec]) => [name, new FailedOutput(spec, error)]));
    }
  }

  toString(): string {
    return this.#variants.map(({ lowered }) => String(lowered.program)).join("\n");
  }

  destroy(): void {
    this.#call.destroy();
    for (const { compiled } of this.#variants) compiled.destroy();
  }

  #encode(call: Call, rows: ActiveRows): Variant {
    throwIfAborted(call.signal, "The step");
    this.#runtime.throwFailure();
    const { state } = call;
    if (state !== undefined && !(state instanceof WebgpuState)) {
      throw new MilletError("INVALID_ARGUMENT", "The state belongs to another backend.");
    }
    const data = (value: Value): HostTensor | undefined => {
      const input = call.inputs[value.name]!;
      return isDeviceBuffer(input) ? undefined : input;
    };
    checkIndices(this.graph, data, rows, state?.rows);
    const variant = this.#variantFor(rows);
    if (variant.lowered.inputs.size > 0) this.#runtime.preserveOutputs(); // the slots are written before the step
    this.#writeInputs(variant.lowered, rows, data);
    this.#runtime.preserveOutputs();
    this.#copyInputs(variant.lowered, call);
    const size: CallSize = { ...rows, longest: this.#longest(data) };
    this.#encodePass(variant.compiled, size, state);
    return variant;
  }

  #variantFor(rows: ActiveRows): Variant {
    return this.#variants.find(
      ({ lowered: { most } }) => rows.tokens <= most.tokens && rows.logits <= most.logits,
    )!;
  }

  #writeInputs(
    lowered: LoweredGraph,
    rows: ActiveRows,
    data: (value: Value) => HostTensor | undefined,
  ): void {
    const { stream } = this.#runtime;
    fillCallWords(this.#words, this.#layout, rows, data);
    stream.write(this.#call, 0, new Uint8Array(this.#words.buffer));
    for (const [value, matrix] of lowered.inputs) {
      const tensor = data(value);
      if (tensor) stream.write(this.#runtime.slot(matrix.slot), 0, padded(tensor, matrix));
    }
  }

  /** Inputs that are outputs of earlier calls go from buffer to buffer. */
  #copyInputs(lowered: LoweredGraph, call: Call): void {
    for (const [name, value] of Object.entries(this.graph.inputs)) {
      const input = call.inputs[name]!;
      if (!isDeviceBuffer(input)) continue;
      const output = deviceOutput(input);
      const matrix = lowered.inputs.get(value);
      if (matrix) output.copyTo(this.#runtime.slot(matrix.slot), 0, 4 * matrix.stride);
      else output.copyTo(this.#call, 4 * this.#layout.inputs.get(value)!);
    }
  }

  #encodePass(compiled: CompiledProgram, size: CallSize, state: WebgpuState | undefined): void {
    const buffers = (operand: Operand) => this.#bufferOf(operand, state);
    const key = state?.generation;
    const encoder = this.#runtime.stream.encoder();
    if (this.#tracer) {
      this.#tracer.encode(encoder, compiled, size, buffers, key);
      return;
    }
    // Opened by the first dispatch: what fails before it must not leave an open pass in the encoder.
    let pass: GPUComputePassEncoder | undefined;
    compiled.encode(size, buffers, key, () => (pass ??= encoder.beginComputePass()));
    pass?.end();
  }

  #bufferOf(operand: Operand, state: WebgpuState | undefined): GPUBuffer {
    switch (operand.space) {
      case "weights":
        return this.#pages[operand.page]!;
      case "scratch":
        return this.#runtime.slot(operand.slot);
      case "call":
        return this.#call;
      case "keys":
        return state!.keys(operand.layer);
      case "values":
        return state!.values(operand.layer);
      case "positions":
        return state!.positions;
      default:
        return operand satisfies never;
    }
  }

  #longest(data: (value: Value) => HostTensor | undefined): number {
    const lengths = this.#lengths && data(this.#lengths);
    return lengths ? viewAs(lengths, "i32").reduce((a, b) => Math.max(a, b), 0) : 0;
  }

  #output(spec: TensorSpec, matrix: Matrix, { signal }: Call): WebgpuOutput {
    return new WebgpuOutput(this.#runtime, spec, matrix, this.#runtime.slot(matrix.slot), signal);
  }
}

/** @throws MilletError INVALID_ARGUMENT for an output of another backend; why the call that makes it failed */
function deviceOutput(input: DeviceBuffer): WebgpuOutput {
  if (input instanceof WebgpuOutput) return input;
  if (input instanceof FailedOutput) throw input.error;
  throw new MilletError("INVALID_ARGUMENT", "An input is an output of another backend.");
}

/** Rows with the padding between them that kernels expect. */
function padded({ spec, data }: HostTensor, { stride, width }: Matrix): Uint8Array<ArrayBuffer> {
  const rows = spec.shape[0]!;
  const bytes = new Uint8Array(4 * stride * rows);
  for (let row = 0; row < rows; row++) {
    bytes.set(data.subarray(4 * row * width, 4 * (row + 1) * width), 4 * row * stride);
  }
  return bytes;
}
