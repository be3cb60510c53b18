/** Models cut into shards compute what they computed whole; what models begin with in common is opened once. */

import { openGguf } from "@millet/core/formats/gguf";
import type { Graph } from "@millet/core/graph";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { loadDecoder } from "../../../../test/support/decoder.js";
import { GOLDEN_MODELS } from "../../../../test/support/golden-models.js";
import { partition } from "../../src/check/partitions.js";
import { emitGraph } from "../../src/emit/emit.js";
import { writeOnnx } from "../../src/onnx/write.js";
import type { OrtLike, OrtTensor } from "../../src/onnx.js";
import { ChainSession } from "../../src/shards/chain.js";
import { commonNodes } from "../../src/shards/places.js";
import { planShards, structureOf } from "../../src/shards/plan.js";
import { emittedBackend } from "../support/emitted-backend.js";

const FILE = GOLDEN_MODELS.find(({ name }) => name === "smollm3")!.file;
const PROMPT = [3, 14, 15, 9, 26, 5];

async function emitted(outputs?: readonly ("logits" | "hidden")[]) {
  const file = await openGguf(await openSource(FILE));
  const definition = await defineModel(file);
  const shape = { tokens: 16, logits: 16, sequences: 1, blocksPerSequence: 1, contextTokens: 32 };
  const graph: Graph = definition.step({ name: "step", ...shape, ...(outputs && { outputs }) });
  const { model } = emitGraph(graph, definition.weights, {
    accuracyLevel: 0,
    attention: "grouped",
    rows: 16,
  });
  await file.close();
  return model;
}

/** Paths aside, onnxruntime-node; with the bytes of each session and the tensors that came out of it. */
function watched() {
  const opened: number[] = [];
  const made: OrtTensor[] = [];
  const disposed = new Set<OrtTensor>();
  const runtime: OrtLike = {
    Tensor: ort.Tensor,
    InferenceSession: {
      async create(model: string | Uint8Array) {
        // Threads of one session wait busily for a while and would hold up the next one's.
        const session = await ort.InferenceSession.create(model as Uint8Array, { intraOpNumThreads: 1 });
        opened.push(model.length);
        return {
          inputNames: session.inputNames,
          outputNames: session.outputNames,
          async run(feeds: Parameters<typeof session.run>[0], fetches: object = {}) {
            const results = await session.run(feeds, fetches);
            for (const tensor of Object.values(results)) {
              made.push(tensor);
              const dispose = tensor.dispose.bind(tensor);
              tensor.dispose = () => {
                disposed.add(tensor);
                dispose();
              };
            }
            return results;
          },
          release: () => session.release(),
        };
      },
    },
  };
  return { runtime, opened, made, disposed };
}

async function logits(runtime: OrtLike, shardBytes?: number): Promise<Float32Array> {
  const decoder = await loadDecoder(
    await emittedBackend({ attention: "grouped" }, runtime, shardBytes),
    FILE,
    8,
    32,
  );
  const rows = [
    ...(await decoder.run(PROMPT, 0)),
    ...(await decoder.run([7], 6)),
    ...(await decoder.run([8], 7)),
  ];
  await decoder.dispose();
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

test("1, 2 and 5 shards and shards of a matrix each give the same bits", async () => {
  const whole = watched();
  const expected = await logits(whole.runtime);
  expect(whole.opened).toHaveLength(1);
  const [size] = whole.opened as [number];
  for (const [budget, count] of [
    [0.75, 2],
    [0.35, 5],
    [0, undefined],
  ] as const) {
    const cut = watched();
    expect(await logits(cut.runtime, size * budget)).toEqual(expected);
    if (count === undefined) expect(cut.opened.length).toBeGreaterThan(20);
    else expect(cut.opened).toHaveLength(count);
    if (budget > 0) expect(Math.max(...cut.opened)).toBeLessThanOrEqual(size * budget);
    expect(cut.disposed.size).toBeGreaterThan(0);
  }
});

test("shards are cut before attention: they add no part, and each holds its constants", async () => {
  const model = await emitted();
  const parts = ({ graph }: typeof model) =>
    partition(graph, ({ opType }) => opType !== "GroupQueryAttention");
  expect(parts(model)).toHaveLength(5);
  const [shards = []] = planShards([model], writeOnnx(model).byteLength * 0.35);
  expect(shards.length).toBeGreaterThan(2);
  expect(shards.flatMap(parts)).toHaveLength(5);
  for (const { graph } of shards.slice(1)) expect(graph.nodes[0]!.opType).toBe("GroupQueryAttention");
  const constants = shards.flatMap(({ graph: { initializers } }) => initializers);
  for (const { data } of constants) expect(data).not.toBe("external");
  expect(new Set(constants.map(({ name }) => name)).size).toBe(model.graph.initializers.length);
  expect(shards.flatMap(({ graph }) => graph.nodes)).toEqual(model.graph.nodes);
});

test("what the steps of text and of embeddings have in common is opened once", async () => {
  const models = [await emitted(), await emitted(["hidden"])];
  const [text = [], embedding = []] = planShards(models);
  expect(commonNodes(models)).toBeGreaterThan(100);
  expect(text).toHaveLength(2);
  expect(structureOf(embedding[0]!)).toBe(structureOf(text[0]!));
  const bytes = (shards: typeof text) => shards.reduce((sum, shard) => sum + writeOnnx(shard).byteLength, 0);
  const rest = embedding.slice(1);
  expect(bytes([...text, ...rest])).toBeLessThan(1.02 * bytes([models[0]!]));
});

test("a value that passes is released after the last shard that takes it", async () => {
  const model = await emitted();
  const [shards = []] = planShards([model], 0);
  const alive = new Set<string>();
  let most = 0;
  const session = (index: number) => ({
    inputNames: [],
    outputNames: [],
    async run(feeds: Readonly<Record<string, OrtTensor>>, fetches: object = {}) {
      for (const name of Object.keys(feeds)) expect(feeds[name], `${name} in shard ${index}`).toBeDefined();
      most = Math.max(most, alive.size);
      return Object.fromEntries(
        Object.keys(fetches).map((name) => {
          alive.add(name);
          return [name, { type: "float32", dims: [], data: name, dispose: () => alive.delete(name) }];
        }),
      );
    },
    release: async () => {},
  });
  const chain = new ChainSession(
    model,
    shards.map((shard, i) => [shard, session(i)]),
  );
  const tensor: OrtTensor = { type: "float32", dims: [], data: "" };
  const feeds = Object.fromEntries(chain.inputNames.map((name) => [name, tensor]));
  const results = await chain.run(feeds, { logits: null });
  expect(Object.keys(results)).toEqual(model.graph.outputs.map(({ name }) => name));
  expect(alive).toEqual(new Set(chain.outputNames));
  expect(most).toBeLessThan(chain.outputNames.length + 8);
});
