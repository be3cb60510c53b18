/** A model of three weights with sources in memory that tell of a file: what a packed file is made of, without a model. */
import { KV_BLOCK_ROWS, type KvPlan } from "@millet/core/backend";
import { GraphBuilder } from "@millet/core/graph";
import { linear } from "@millet/core/ops";
import { byteLength, type DType, type KnownOrigin, type WeightSource } from "@millet/core/tensor";
import { Random } from "../../../../test/support/random.js";
import { type ModelPlan, planModel } from "../../src/model-plan.js";
import { WEIGHT_TYPES } from "../../src/pack/packed-type.js";

export const ORIGIN: KnownOrigin = { location: "/models/small.gguf", version: "1" };
const WIDTH = 1024;
const NO_CACHE: KvPlan = {
  ...{ layers: 0, kvHeads: 1, headDim: 1, valueDim: 1 },
  dtype: "f32",
  blockRows: KV_BLOCK_ROWS,
  maxBlocks: 0,
};

export interface SmallModel {
  readonly plan: ModelPlan;
  readonly weights: ReadonlyMap<string, WeightSource>;
}

/** About 3 MiB of weights, the same at every call. */
export function smallModel(origin: KnownOrigin | undefined = ORIGIN, dtype: DType = "q8_0"): SmallModel {
  const builder = new GraphBuilder("small");
  const x = builder.input("x", { dtype: "f32", shape: [1, WIDTH] }, "tokens");
  const specs = { a: { dtype, shape: [1003, WIDTH] }, b: { dtype, shape: [1500, WIDTH] } } as const;
  const outputs = Object.entries(specs).map(([name, spec]) => {
    const y = builder.emitOne(linear, [x, builder.weight(name, spec)], {});
    return [`y${name}`, y] as const;
  });
  const graph = builder.finish(Object.fromEntries(outputs));
  const traits = {
    name: "wasm",
    threads: 2,
    addressableBytes: 2 ** 32,
    weightTypes: WEIGHT_TYPES.wasm,
  } as const;
  const weights = Object.entries(specs).map(([name, spec], i): [string, WeightSource] => {
    const bytes = bytesOf(name, byteLength(spec));
    const readInto: WeightSource["readInto"] = async (offset, target) =>
      target.set(bytes.subarray(offset, offset + target.byteLength));
    return [name, { spec, place: origin && { file: origin, offset: 1 << (20 + i) }, readInto }];
  });
  return { plan: planModel({ small: graph }, NO_CACHE, traits), weights: new Map(weights) };
}

const made = new Map<string, Uint8Array>();

function bytesOf(name: string, length: number): Uint8Array {
  const key = `${name} ${length}`;
  const random = new Random(length);
  const bytes = made.get(key) ?? Uint8Array.from({ length }, () => random.next() * 256);
  made.set(key, bytes);
  return bytes;
}
