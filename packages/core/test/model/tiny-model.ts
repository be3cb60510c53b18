/** A tiny random Llama with a byte-level vocabulary and a chat template, as a GGUF file in memory. */
import type { GgufTypedValue } from "../../src/formats/gguf/index.js";
import { uniform } from "../../src/generate/philox.js";
import { BYTE_SYMBOLS } from "../../src/tokenizer/byte-symbols.js";
import { makeGguf } from "../gguf/make.js";

const HIDDEN = 16;
const FEED_FORWARD = 24;
const CHATML =
  "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/** Ids: 256 bytes, then <|im_start|> and <|im_end|>. */
const TOKENS = [...BYTE_SYMBOLS, "<|im_start|>", "<|im_end|>"];
export const IM_START = 256;
export const IM_END = 257;

const NORMAL = 1;
const CONTROL = 3;

export interface TinyOptions {
  /** Undefined: no chat template in the file. */
  readonly chatTemplate?: string | undefined;
  /** Tensors to leave out. */
  readonly without?: readonly string[];
  /** Shapes that replace the right ones. */
  readonly shapes?: Readonly<Record<string, number[]>>;
  /** Metadata that replace or, with undefined, remove the right ones. */
  readonly metadata?: Readonly<Record<string, GgufTypedValue | undefined>>;
}

export function tinyModel(options: TinyOptions = { chatTemplate: CHATML }): Promise<Uint8Array<ArrayBuffer>> {
  const shapes: [name: string, shape: number[]][] = [
    ["token_embd.weight", [TOKENS.length, HIDDEN]],
    ["output_norm.weight", [HIDDEN]],
    ["blk.0.attn_norm.weight", [HIDDEN]],
    ["blk.0.attn_q.weight", [HIDDEN, HIDDEN]],
    ["blk.0.attn_k.weight", [HIDDEN / 2, HIDDEN]],
    ["blk.0.attn_v.weight", [HIDDEN / 2, HIDDEN]],
    ["blk.0.attn_output.weight", [HIDDEN, HIDDEN]],
    ["blk.0.ffn_norm.weight", [HIDDEN]],
    ["blk.0.ffn_gate.weight", [FEED_FORWARD, HIDDEN]],
    ["blk.0.ffn_up.weight", [FEED_FORWARD, HIDDEN]],
    ["blk.0.ffn_down.weight", [HIDDEN, FEED_FORWARD]],
  ];
  const tensors = shapes
    .filter(([name]) => !options.without?.includes(name))
    .map(([name, shape], seed) => ({ name, shape: options.shapes?.[name] ?? shape, seed }))
    .map(({ name, shape, seed }) => ({ name, type: "f32", shape, data: random(shape, seed) }));
  return makeGguf({ metadata: replaced(metadata(options.chatTemplate), options.metadata ?? {}), tensors });
}

function replaced(
  entries: readonly [string, GgufTypedValue][],
  changes: NonNullable<TinyOptions["metadata"]>,
): [string, GgufTypedValue][] {
  const kept = entries.filter(([key]) => !Object.hasOwn(changes, key));
  const added = Object.entries(changes).flatMap(([key, value]): [string, GgufTypedValue][] =>
    value === undefined ? [] : [[key, value]],
  );
  return [...kept, ...added];
}

function metadata(chatTemplate: string | undefined): [string, GgufTypedValue][] {
  const u32 = (value: number): GgufTypedValue => ({ type: "u32", value });
  const text = (value: string): GgufTypedValue => ({ type: "string", value });
  return [
    ["general.architecture", text("llama")],
    ["general.name", text("Tiny")],
    ["llama.block_count", u32(1)],
    ["llama.embedding_length", u32(HIDDEN)],
    ["llama.feed_forward_length", u32(FEED_FORWARD)],
    ["llama.attention.head_count", u32(4)],
    ["llama.attention.head_count_kv", u32(2)],
    ["llama.attention.layer_norm_rms_epsilon", { type: "f32", value: 1e-5 }],
    ["llama.context_length", u32(256)],
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.tokens", { type: "array", elementType: "string", value: TOKENS }],
    [
      "tokenizer.ggml.token_type",
      { type: "array", elementType: "i32", value: TOKENS.map((_, i) => (i < IM_START ? NORMAL : CONTROL)) },
    ],
    ["tokenizer.ggml.merges", { type: "array", elementType: "string", value: [] }],
    ["tokenizer.ggml.bos_token_id", u32(IM_START)],
    ["tokenizer.ggml.eos_token_id", u32(IM_END)],
    ...(chatTemplate === undefined
      ? []
      : [["tokenizer.chat_template", text(chatTemplate)] as [string, GgufTypedValue]]),
  ];
}

/** Uniform in [-1, 1), and vectors around 1. */
function random(shape: readonly number[], seed: number): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const offset = shape.length === 1 ? 1 : 0;
  return new Uint8Array(
    Float32Array.from({ length: count }, (_, i) => offset + uniform(seed, i) * 2 - 1).buffer,
  );
}
