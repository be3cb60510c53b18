/** The CPU backend passes the conformance suite on both kinds of memory and both builds, with and without company. */
import { OPTIONAL_OPS, testBackend } from "@millet/conformance";
import { KV_DTYPES } from "@millet/core/backend";
import type { DType } from "@millet/core/tensor";
import { describe, test } from "vitest";
import { type CpuOptions, cpu } from "../src/index.js";

const configurations: Readonly<Record<string, CpuOptions>> = {
  "relaxed SIMD, shared memory, 3 threads": { simd: "relaxed", memory: "shared", threads: 3 },
  "plain SIMD, unshared memory": { simd: "plain", memory: "unshared" },
};

const weightTypes: readonly DType[] = [
  "f32",
  "f16",
  "bf16",
  "q4_0",
  "q4_1",
  "q5_0",
  "q5_1",
  "q8_0",
  "q2_k",
  "q3_k",
  "q4_k",
  "q5_k",
  "q6_k",
  "iq4_nl",
  "iq4_xs",
];

/** Core samples from the logits, which the host has at hand. */
const optionalOps = OPTIONAL_OPS.filter((op) => op !== "sample");

for (const [name, options] of Object.entries(configurations)) {
  describe(name, () =>
    testBackend(() => cpu({ engine: "wasm", ...options }), {
      describe,
      test,
      weightTypes,
      kvDTypes: KV_DTYPES,
      optionalOps,
    }),
  );
}
