/** nnapi() passes the conformance suite where the CPU provider poses as the accelerator, in float32 and in small chunks. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testBackend } from "@millet/conformance";
import { afterAll, describe, expect, test } from "vitest";
import { acceleratedBackend } from "../../src/nnapi/nnapi.js";
import { nodeFiles } from "../../src/runtime/node-files.js";
import { floatForm } from "../support/float-form.js";
import { posingRuntime } from "../support/posing-runtime.js";

/** Ops by themselves are no prompts: the fallback computes them, and has its own test. Other types come to the same. */
const DECODERS = /^decoder with (f32|q4_0) weights$/;
/** Which rows the accelerator computes depends on how many there are and of whom, and its sums have another order. */
const BITS = /: (any chunk sizes give the same bits|batch mates change no bit)$/;

const { runtime, counts } = posingRuntime();
const folder = mkdtempSync(join(tmpdir(), "millet-test-"));
afterAll(() => {
  expect(counts.get("nnapi")).toBeGreaterThan(0);
  rmSync(folder, { recursive: true });
});

const create = () =>
  acceleratedBackend(
    {
      ort: runtime,
      files: nodeFiles(folder),
      activations: "float32",
      candidates: ["nnapi"],
      chunk: 8,
      minSpeedup: 0,
    },
    floatForm(),
  );

testBackend(create, {
  describe: (name, body) => (DECODERS.test(name) ? describe(name, body) : undefined),
  test: (name, body) => (BITS.test(name) ? undefined : test(name, ({ skip }) => body({ skip }))),
  weightTypes: ["f32", "q4_0"],
});
