/** Golden models' steps besides tokens to logits: hidden states, embeddings as input, multi-token prediction. */
import type { Backend } from "@millet/core/backend";
import { KV_BLOCK_ROWS } from "@millet/core/backend";
import { defineModel, type ModelDefinition, type ModelFiles, type StepShape } from "@millet/core/models";
import { dequantize } from "@millet/core/quant";
import { createTensor, type HostTensor, tensorOf, viewAs } from "@millet/core/tensor";
import { rowsOf, stepInputsOf, supported } from "./decoder.js";
import type { GoldenModel } from "./golden-models.js";

/** States after and before the final norm, and logits, of every position; from tokens or from the embeddings of those. */
export async function goldenStates(
  backend: Backend,
  files: ModelFiles,
  { prompt, decode }: GoldenModel,
  input: "tokens" | "embeddings",
) {
  const ids = [...prompt, ...decode];
  const definition = await defineModel(files);
  const { shape, kv } = shapesOf(definition.kv, ids.length);
  const step = supported(
    definition.step({ name: "step", ...shape, input, outputs: ["hidden", "residual", "logits"] }),
    backend,
  );
  const model = await backend.load({ step }, definition.weights, kv);
  const state = model.createState();
  await state.reserve(kv.maxBlocks);
  const { tokens, ...others } = stepInputsOf(ids, 0, kv.maxBlocks);
  const entering =
    input === "tokens" ? { tokens } : { embeddings: await embeddingsOf(files, ids, definition.hidden) };
  const outputs = model.executables.step!.run({ inputs: { ...others, ...entering }, state });
  const read = async (name: string, columns: number) =>
    rowsOf(viewAs(await outputs[name]!.read(), "f32"), columns);
  const [hidden, residual, logits] = await Promise.all([
    read("hidden", definition.hidden),
    read("residual", definition.hidden),
    read("logits", definition.vocabularySize),
  ]);
  await model.dispose();
  return { hidden, residual, logits };
}

/** Logits of MTP from the state before the final norm of every position but the last and the token after it: a chunk, then row by row. */
export async function goldenMtpLogits(
  backend: Backend,
  files: ModelFiles,
  { prompt, decode }: GoldenModel,
  residual: readonly Float32Array[],
): Promise<Float32Array[]> {
  const next = [...prompt, ...decode].slice(1);
  const { mtp, weights, vocabularySize } = await defineModel(files);
  const { shape, kv } = shapesOf(mtp!.kv, next.length);
  const model = await backend.load(
    { mtp: supported(mtp!.step({ name: "mtp", ...shape }), backend) },
    weights,
    kv,
  );
  const state = model.createState();
  await state.reserve(kv.maxBlocks);
  const rows: Float32Array[] = [];
  while (rows.length < next.length) {
    const start = rows.length;
    const count = start === 0 ? prompt.length : 1;
    const inputs = {
      ...stepInputsOf(next.slice(start, start + count), start, kv.maxBlocks),
      hidden: matrix(residual.slice(start, start + count)),
    };
    const { logits } = model.executables.mtp!.run({ inputs, state });
    rows.push(...rowsOf(viewAs(await logits!.read(), "f32"), vocabularySize));
  }
  await model.dispose();
  return rows;
}

function shapesOf(kv: ModelDefinition["kv"], most: number) {
  const blocks = Math.ceil(most / KV_BLOCK_ROWS);
  const shape: Omit<StepShape, "name"> = {
    tokens: most,
    logits: most,
    sequences: 1,
    blocksPerSequence: blocks,
    contextTokens: most,
  };
  return { shape, kv: { ...kv, dtype: "f32", blockRows: KV_BLOCK_ROWS, maxBlocks: blocks } as const };
}

/** Rows of the embedding as they enter the first layer; Gemma and Granite scale them. */
async function embeddingsOf(files: ModelFiles, ids: readonly number[], hidden: number): Promise<HostTensor> {
  const source = files.weights.get("token_embd.weight")!;
  const table = createTensor(source.spec);
  await source.readInto(0, table.data);
  const values =
    source.spec.dtype === "f32" ? viewAs(table, "f32") : dequantize(source.spec.dtype, table.data);
  const architecture = String(files.metadata.get("general.architecture"));
  const multiplier = Number(files.metadata.get(`${architecture}.embedding_scale`) ?? 1);
  const factor = architecture.startsWith("gemma") ? Math.sqrt(hidden) : multiplier;
  const rows = ids.map((id) => values.slice(id * hidden, (id + 1) * hidden).map((x) => x * factor));
  return matrix(rows);
}

function matrix(rows: readonly Float32Array[]): HostTensor {
  return tensorOf("f32", [rows.length, rows[0]!.length], Float32Array.from(rows.flatMap((row) => [...row])));
}
