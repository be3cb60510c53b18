/** The backend on onnxruntime-node passes the conformance suite, with products in float32. */
import { testBackend } from "@millet/conformance";
import ort from "onnxruntime-node";
import { describe, test } from "vitest";
import { onnxRuntime } from "../../src/onnx.js";

const QUANTIZED = [
  ...["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs"],
] as const;
const DECODERS = ["f32", "f16", "q4_0", "q4_1", "q8_0"];
const BITS = "ONNX Runtime takes other loops for one row than for many, and they sum in another order";

testBackend(() => onnxRuntime({ ort, activations: "float32", session: { intraOpNumThreads: 1 } }), {
  describe,
  test: (name, body) => test(name, ({ skip }) => body({ skip })),
  weightTypes: ["f32", "f16", "bf16", ...QUANTIZED],
  skip: {
    ...Object.fromEntries(QUANTIZED.map((type) => [`${type}: alone and among others`, BITS])),
    ...Object.fromEntries(
      DECODERS.flatMap((types) => [[`${types}: any chunk sizes give the same bits`, BITS]]),
    ),
    "geglu f32[1, 1], exact": "1 + erf(x) loses digits where x is far below 0",
  },
});
