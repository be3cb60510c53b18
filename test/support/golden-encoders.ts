/** The one table of golden encoders (fixtures/encoders): what transformers computes, and the models as loadModel takes them. */
import { readdirSync, readFileSync } from "node:fs";
import { type Backend, KV_BLOCK_ROWS } from "@millet/core/backend";
import { type GgufTypedValue, openGguf, writeGguf } from "@millet/core/formats/gguf";
import { defineModel, type ModelFiles } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { tensorOf, viewAs } from "@millet/core/tensor";
import { rowsOf, stepInputsOf } from "./decoder.js";

export interface GoldenEncoder {
  readonly name: string;
  readonly folder: URL;
  readonly architecture: string;
  /** As in the file. */
  readonly pooling: "mean" | "cls" | "last";
  /** Elements of a hidden state. */
  readonly columns: number;
  /** Token ids. */
  readonly texts: readonly (readonly number[])[];
  /** base64 of float32 [tokens of all texts, columns]: the last layer's rows. */
  readonly hidden: string;
  /** The same [texts, columns]: pooled in each way and normalized. */
  readonly mean: string;
  readonly cls: string;
  readonly last: string;
  /** Of one that has a tokenizer: texts, their ids, and their vectors, the same [strings, columns]. */
  readonly strings?: readonly string[];
  readonly stringIds?: readonly (readonly number[])[];
  readonly stringMeans?: string;
}

const FOLDER = new URL("../../fixtures/encoders/", import.meta.url);

export const GOLDEN_ENCODERS: readonly GoldenEncoder[] = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith("_"))
  .map(({ name }) => {
    const folder = new URL(`${name}/`, FOLDER);
    return { name, folder, ...JSON.parse(readFileSync(new URL("golden.json", folder), "utf8")) };
  });

/** Hidden states of every token of every text, each text in a step of its own. */
export async function goldenHidden(
  backend: Backend,
  files: ModelFiles,
  { texts, columns }: GoldenEncoder,
): Promise<Float32Array[]> {
  const definition = await defineModel(files);
  const most = Math.max(...texts.map(({ length }) => length));
  const blocks = Math.ceil(most / KV_BLOCK_ROWS);
  const shape = { tokens: most, logits: most, sequences: 1, blocksPerSequence: blocks, contextTokens: most };
  const step = definition.step({ name: "step", ...shape, outputs: ["hidden"] });
  const kv = { ...definition.kv, dtype: "f32", blockRows: KV_BLOCK_ROWS, maxBlocks: blocks } as const;
  const model = await backend.load({ step }, definition.weights, kv);
  const state = model.createState();
  await state.reserve(blocks);
  const rows: Float32Array[] = [];
  for (const ids of texts) {
    const tokenTypes = tensorOf("i32", [ids.length], new Int32Array(ids.length));
    const inputs = { ...stepInputsOf(ids, 0, blocks), tokenTypes };
    const { hidden } = model.executables.step!.run({ inputs, state });
    rows.push(...rowsOf(viewAs(await hidden!.read(), "f32"), columns));
  }
  await model.dispose();
  return rows;
}

/**
 * A golden model with a made-up tokenizer (most have none): a letter a token, the last two ids are control tokens that
 * `encode` puts around a text.
 * @param file of any folder of golden models
 */
export async function withLetters(file: URL): Promise<Uint8Array<ArrayBuffer>> {
  const gguf = await openGguf(await openSource(file));
  const tensors = await Promise.all(
    [...gguf.tensors].map(async ([name, { type, shape, byteLength }]) => {
      const data = new Uint8Array(byteLength!);
      await gguf.weights.get(name)!.readInto(0, data);
      return { name, type: type.name, shape, data };
    }),
  );
  const vocabulary = gguf.tensors.get("token_embd.weight")!.shape[0]!;
  const others = [...gguf.metadata.typed()].filter(([key]) => !key.startsWith("tokenizer."));
  const metadata = [...others, ...letters(vocabulary)];
  await gguf.close();
  const pieces: Uint8Array[] = [];
  await writeGguf((bytes) => void pieces.push(bytes.slice()), { metadata, tensors });
  return new Uint8Array(Buffer.concat(pieces));
}

function letters(vocabulary: number): [string, GgufTypedValue][] {
  const count = vocabulary - 2;
  const tokens = Array.from({ length: count }, (_, i) => String.fromCharCode("A".charCodeAt(0) + i));
  const kinds = [...tokens.map(() => 1), 3, 3];
  return [
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: "gpt-2" }],
    [
      "tokenizer.ggml.tokens",
      { type: "array", elementType: "string", value: [...tokens, "<begin>", "<end>"] },
    ],
    ["tokenizer.ggml.token_type", { type: "array", elementType: "i32", value: kinds }],
    ["tokenizer.ggml.merges", { type: "array", elementType: "string", value: [] }],
    ["tokenizer.ggml.bos_token_id", { type: "u32", value: count }],
    ["tokenizer.ggml.eos_token_id", { type: "u32", value: count + 1 }],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: true }],
    ["tokenizer.ggml.add_eos_token", { type: "bool", value: true }],
  ];
}
