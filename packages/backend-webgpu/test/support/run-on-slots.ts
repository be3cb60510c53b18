/** Runs dispatches on given slots and weights: for tests of kernels, and for nothing else, since it allocates all it needs. */
import { type Graph, GraphBuilder } from "@millet/core/graph";
import { embedding, rmsNorm } from "@millet/core/ops";
import type { HostTensor, WeightSources } from "@millet/core/tensor";
import type { Device } from "../../src/device/device.js";
import { BufferUsage } from "../../src/device/flags.js";
import { readBuffer } from "../../src/device/read-buffer.js";
import type { Workspace } from "../../src/lower/specs.js";
import type { CallSize, Dispatch, Operand } from "../../src/program/dispatch.js";
import { loadWeights } from "../../src/weights/load.js";
import type { PlacedWeight } from "../../src/weights/placed-weight.js";
import { type PageLimits, planWeights } from "../../src/weights/plan.js";
import { runDispatches } from "./run-dispatches.js";
import { asFloats } from "./run-kernel.js";

/** Weights in the pages of a device. */
export interface TestWeights {
  readonly pages: readonly GPUBuffer[];
  weight(name: string): PlacedWeight;
}

/** Sources that read from host tensors, in their order. */
export function sourcesOf(tensors: Readonly<Record<string, HostTensor>>): WeightSources {
  const sources = Object.entries(tensors).map(([name, { spec, data }]) => {
    const readInto = async (offset: number, target: Uint8Array) =>
      target.set(data.subarray(offset, offset + target.byteLength));
    return [name, { spec, readInto }] as const;
  });
  return new Map(sources);
}

/** A graph that uses these weights in their order: matrices as tables of embeddings, vectors as norms. */
export function graphOf(tensors: Readonly<Record<string, HostTensor>>): Graph {
  const graph = new GraphBuilder("weights");
  const tokens = graph.input("tokens", { dtype: "i32", shape: [1] }, "tokens");
  const outputs = Object.entries(tensors).map(([name, { spec }]) => {
    const weight = graph.weight(name, spec);
    if (spec.shape.length === 2) return [name, graph.emitOne(embedding, [weight, tokens], { scale: 1 })];
    const x = graph.input(`x of ${name}`, { dtype: "f32", shape: [1, spec.shape[0]!] }, "tokens");
    return [name, graph.emitOne(rmsNorm, [x, weight], { epsilon: 0 })];
  });
  return graph.finish(Object.fromEntries(outputs));
}

export async function placeWeights(
  device: Device,
  tensors: Readonly<Record<string, HostTensor>>,
  limits: PageLimits = device.limits,
): Promise<TestWeights> {
  const plan = planWeights({ test: graphOf(tensors) }, limits);
  const pages = await loadWeights(device, plan, sourcesOf(tensors));
  return { pages, weight: (name) => plan.places.get(name)! };
}

/** Slots that a spec's dispatches take besides the ones given. */
export class TestWorkspace implements Workspace {
  readonly temporaries: number[] = [];
  readonly #first: number;

  /** @param first number of the first temporary slot */
  constructor(first: number) {
    this.#first = first;
  }

  countWord(axis: "tokens" | "logits"): number {
    return axis === "tokens" ? 0 : 1;
  }

  temporary(byteLength: number): number {
    return this.#first + this.temporaries.push(byteLength) - 1;
  }
}

export interface DispatchRun {
  readonly size: CallSize;
  /** Words of the call buffer after the two counts of rows and two words that nobody uses. */
  readonly call?: readonly number[];
  /** First contents of the slots; those of the workspace follow, filled with NaN. */
  readonly slots: readonly Float32Array[];
  readonly workspace: TestWorkspace;
  readonly weights: TestWeights;
}

/** @returns the slots given, afterwards */
export async function runOnSlots(
  device: Device,
  dispatches: readonly Dispatch[],
  run: DispatchRun,
): Promise<Float32Array[]> {
  const { gpu } = device;
  const temporaries = run.workspace.temporaries.map((bytes) =>
    new Float32Array(Math.ceil(bytes / 4)).fill(NaN),
  );
  const slots = [...run.slots, ...temporaries].map((data) => filled(gpu, data));
  const call = filled(gpu, Uint32Array.of(run.size.tokens, run.size.logits, 0, 0, ...(run.call ?? [])));
  await runDispatches(device, dispatches, run.size, (operand) => bufferOf(operand, slots, call, run.weights));
  const results = await Promise.all(
    run.slots.map(async ({ byteLength }, i) => asFloats(await readBuffer(device, slots[i]!, 0, byteLength))),
  );
  for (const buffer of [...slots, call]) buffer.destroy();
  return results;
}

function bufferOf(
  operand: Operand,
  slots: readonly GPUBuffer[],
  call: GPUBuffer,
  weights: TestWeights,
): GPUBuffer {
  if (operand.space === "scratch") return slots[operand.slot]!;
  if (operand.space === "weights") return weights.pages[operand.page]!;
  if (operand.space === "call") return call;
  throw new Error(`These tests have no ${operand.space}.`);
}

function filled(gpu: GPUDevice, data: Float32Array | Uint32Array): GPUBuffer {
  const usage = BufferUsage.Storage | BufferUsage.Uniform | BufferUsage.CopySource | BufferUsage.CopyTarget;
  const buffer = gpu.createBuffer({ size: Math.max(16, data.byteLength), usage });
  gpu.queue.writeBuffer(buffer, 0, data.buffer, data.byteOffset, data.byteLength);
  return buffer;
}
