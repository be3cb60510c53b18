/** The conformance suite for the backend on a runtime, with products in float32. Equal bits are no promise of theirs. */
import { testBackend } from "@millet/conformance";
import { describe, test } from "vitest";
import { type OnnxRuntimeOptions, onnxRuntime } from "../../src/onnx.js";

const QUANTIZED = [
  ...["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs"],
] as const;
const DECODERS = ["f32", "f16", "q4_0", "q4_1", "q8_0"];

/** Equal bits that a runtime does not give, and why. */
export interface NotPromised {
  /** Of a row alone and among others, for quantized weights. */
  readonly rows?: string;
  /** Of prompts in chunks of any size. */
  readonly chunks?: string;
  /** Of a sequence alone and beside others. */
  readonly mates?: string;
}

export function testRuntime(options: OnnxRuntimeOptions, { rows, chunks, mates }: NotPromised): void {
  const skipped = (names: readonly string[], reason: string | undefined) =>
    reason === undefined ? {} : Object.fromEntries(names.map((name) => [name, reason]));
  testBackend(() => onnxRuntime({ ...options, activations: "float32" }), {
    describe,
    test: (name, body) => test(name, ({ skip }) => body({ skip })),
    weightTypes: ["f32", "f16", "bf16", ...QUANTIZED],
    skip: {
      ...skipped(
        QUANTIZED.map((type) => `${type}: alone and among others`),
        rows,
      ),
      ...skipped(
        DECODERS.map((type) => `${type}: any chunk sizes give the same bits`),
        chunks,
      ),
      ...skipped(
        DECODERS.map((type) => `${type}: batch mates change no bit`),
        mates,
      ),
      "geglu f32[1, 1], exact": "1 + erf(x) loses digits where x is far below 0",
    },
  });
}
