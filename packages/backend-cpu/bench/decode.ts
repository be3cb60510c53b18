/**
 * Load time, prefill and decode speed of a whole model: `npm run bench -- decode --model FILE` (or a Hugging Face folder,
 * with `--quantize q8_0|q4_0|none`) or
 * `--shape 135m|1.3b|6.4b --dtype q4_0`, with `--threads N`, `--engine wasm|native|auto`, `--prompt N`, `--tokens N`,
 * `--kv-type f32|f16|q8_0`,
 * `--trace` for the time of each kernel. Decode speed is given for the best, the median and the mean token: on a shared
 * machine the best is the one that nobody disturbed.
 */
import { parseArgs } from "node:util";
import { type Executable, KV_BLOCK_ROWS, KV_DTYPES } from "@millet/core/backend";
import { openContainer, QUANTIZE_CHOICES } from "@millet/core/formats";
import { defineModel, type ModelFiles } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { type DType, isDType, tensorOf } from "@millet/core/tensor";
import { type CpuOptions, cpu, type StepTrace } from "../src/index.js";
import { SHAPES, syntheticModel } from "./synthetic.js";

const CHUNK = 128;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    model: { type: "string" },
    shape: { type: "string", default: "135m" },
    dtype: { type: "string", default: "q4_0" },
    quantize: { type: "string", default: "q8_0" },
    threads: { type: "string", default: "2" },
    engine: { type: "string", default: "wasm" },
    simd: { type: "string", default: "auto" },
    memory: { type: "string", default: "auto" },
    prompt: { type: "string", default: "256" },
    tokens: { type: "string", default: "64" },
    "kv-type": { type: "string", default: "f32" },
    trace: { type: "boolean", default: false },
  },
});
const [promptTokens, tokens] = [Number(values.prompt), Number(values.tokens)];

const quantize = QUANTIZE_CHOICES.find((name) => name === values.quantize);

async function openModel(): Promise<ModelFiles> {
  if (values.model !== undefined) return openContainer(await openSource(values.model), { quantize });
  const shape = SHAPES[values.shape];
  if (!shape || !isDType(values.dtype)) throw new Error(`No shape ${values.shape} of ${values.dtype}`);
  return syntheticModel(shape, values.dtype as DType);
}

const kernels = new Map<string, { ms: number; steps: number }>();
function record({ program, kernel, elapsedMs }: StepTrace): void {
  const key = `${program} ${kernel}`;
  const total = kernels.get(key) ?? { ms: 0, steps: 0 };
  kernels.set(key, { ms: total.ms + elapsedMs, steps: total.steps + 1 });
}

const options = {
  engine: values.engine as NonNullable<CpuOptions["engine"]>,
  threads: Number(values.threads),
  simd: values.simd as NonNullable<CpuOptions["simd"]>,
  memory: values.memory as NonNullable<CpuOptions["memory"]>,
  ...(values.trace && { trace: record }),
};

const began = performance.now();
const files = await openModel();
const definition = await defineModel(files);
const blocks = Math.ceil((promptTokens + tokens) / KV_BLOCK_ROWS);
const step = { logits: 1, sequences: 1, blocksPerSequence: blocks };
const graphs = {
  decode: definition.step({ name: "decode", tokens: 1, ...step }),
  prompt: definition.step({ name: "prompt", tokens: CHUNK, ...step }),
};
const dtype = KV_DTYPES.find((name) => name === values["kv-type"]);
if (!dtype) throw new Error(`No KV type ${values["kv-type"]}`);
const kv = { ...definition.kv, dtype, blockRows: KV_BLOCK_ROWS, maxBlocks: blocks };
const backend = await cpu(options).create();
const model = await backend.load(graphs, definition.weights, kv);
const loadMs = performance.now() - began;
const state = model.createState();
await state.reserve(blocks);

const ints = (list: readonly number[], shape: readonly number[] = [list.length]) =>
  tensorOf("i32", shape, Int32Array.from(list));
const blockTable = ints([...Array(blocks).keys()], [1, blocks]);

/** Milliseconds of a call on tokens that stand at `start` and after. */
async function time(executable: Executable, start: number, count: number): Promise<number> {
  const rows = Array.from({ length: count }, (_, i) => start + i);
  const inputs = {
    tokens: ints(rows.map((row) => (row * 7919) % definition.vocabularySize)),
    positions: ints(rows),
    sequences: ints(rows.map(() => 0)),
    writeRows: ints(rows),
    blockTable,
    lengths: ints([start + count]),
    logitRows: ints([count - 1]),
  };
  const from = performance.now();
  await executable.run({ inputs, state }).logits!.read();
  return performance.now() - from;
}

const { decode, prompt } = model.executables;
const prefill: number[] = [];
for (let start = 0; start < promptTokens; start += CHUNK) {
  prefill.push(await time(prompt!, start, Math.min(CHUNK, promptTokens - start)));
}
const times: number[] = [];
for (let i = 0; i < tokens; i++) times.push(await time(decode!, promptTokens + i, 1));

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
const sorted = times.toSorted((a, b) => a - b);
const perSecond = (ms: number) => (1000 / ms).toFixed(1);
console.log(backend.capabilities.description);
console.log(`load ${loadMs.toFixed(0)} ms, weights ${(model.byteLength / 1e6).toFixed(1)} MB`);
console.log(`peak resident memory ${((1024 * process.resourceUsage().maxRSS) / 1e6).toFixed(0)} MB`);
console.log(`prefill ${((1000 * promptTokens) / sum(prefill)).toFixed(1)} tokens/s`);
console.log(
  `decode ${perSecond(sorted[0]!)} best, ${perSecond(sorted[tokens >> 1]!)} median, ${perSecond(sum(times) / tokens)} mean tokens/s`,
);
for (const [name, { ms, steps }] of [...kernels].sort(([, a], [, b]) => b.ms - a.ms)) {
  console.log(`${name.padEnd(28)} ${ms.toFixed(1).padStart(9)} ms ${String(steps).padStart(6)} steps`);
}
await backend.dispose();
