/** Runs a case on a backend, composite ops decomposed where the backend asks for it. */
import type { Backend, KvPlan, LoadedModel } from "@millet/core/backend";
import { decompose } from "@millet/core/lower";
import type { HostTensor } from "@millet/core/tensor";
import type { BuiltCase, Outputs } from "./case.js";

/** For graphs without attention: a cache of no size. */
const NO_KV: KvPlan = {
  layers: 0,
  kvHeads: 1,
  headDim: 1,
  valueDim: 1,
  dtype: "f32",
  blockRows: 32,
  maxBlocks: 0,
};

/** The output "out" of each call. */
export async function runCase(backend: Backend, built: BuiltCase): Promise<HostTensor[]> {
  const results = await runOutputs(backend, built);
  return results.map(({ out }) => out!);
}

/** All outputs of each call. */
export async function runOutputs(backend: Backend, built: BuiltCase): Promise<Outputs[]> {
  const kv = built.kv ?? NO_KV;
  const graph = decompose(built.graph, (node) => backend.supports(node));
  const model = await backend.load({ case: graph }, built.weights, kv);
  try {
    return await runCalls(model, built, kv);
  } finally {
    await model.dispose();
  }
}

async function runCalls(model: LoadedModel, { calls }: BuiltCase, kv: KvPlan): Promise<Outputs[]> {
  const state = model.createState();
  await state.reserve(kv.maxBlocks);
  const results: Outputs[] = [];
  for (const inputs of calls) {
    const buffers = Object.entries(model.executables.case!.run({ inputs, state }));
    const tensors = await Promise.all(buffers.map(([, buffer]) => buffer.read()));
    results.push(Object.fromEntries(buffers.map(([name], i) => [name, tensors[i]!])));
  }
  state.dispose();
  return results;
}
