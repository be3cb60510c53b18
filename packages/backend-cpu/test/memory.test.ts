/**
 * Peak resident memory of a process that loads a model and generates with it: the packed weights, the KV cache and at
 * most 150 MB, Node itself included, on both engines, packing the model and taking its packed file.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findNative } from "../src/native/load.js";

const REST_BYTES = 150e6;
const MAKE = fileURLToPath(new URL("../../../scripts/make-random-model.mjs", import.meta.url));
const SCRIPT = fileURLToPath(new URL("support/load-packed.mjs", import.meta.url));
const SHIPPED = fileURLToPath(
  new URL(
    "../../model-smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1-00001-of-00003.gguf",
    import.meta.url,
  ),
);

interface Answer {
  readonly packedFile?: { readonly state: string };
  readonly weightBytes: number;
  readonly kvBytes: number;
  readonly peakBytes: number;
}

let folder: string;
const wide = () => join(folder, "wide.gguf");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millet-memory-"));
  // As wide as a model of 1.3 billion parameters, with fewer layers: the work space is the same.
  const shape = ["--shape", "milm-1.3b", "--layers", "4", "--dtype", "q4_0"];
  await promisify(execFile)(process.execPath, [MAKE, ...shape, "--out", wide()]);
});

afterAll(() => rm(folder, { recursive: true }));

async function measure(model: string, options: object): Promise<Answer> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    SCRIPT,
    model,
    JSON.stringify(options),
    "160",
  ]);
  return JSON.parse(stdout);
}

const engines = ["wasm", ...(findNative().available ? ["native"] : [])];

describe.each(engines)("%s", (engine) => {
  test.each([
    ["the shipped model", () => SHIPPED],
    ["a wide model", wide],
  ])("%s", async (_, model) => {
    const packed = await measure(model(), { engine });
    expect(packed.peakBytes - packed.weightBytes - packed.kvBytes).toBeLessThanOrEqual(REST_BYTES);
    expect(packed.peakBytes).toBeGreaterThan(packed.weightBytes); // or else nothing was measured
  });

  test("writing and taking a packed file", async () => {
    const options = { engine, packedFiles: join(folder, engine) };
    for (const state of ["written", "used"]) {
      const answer = await measure(SHIPPED, options);
      expect(answer.packedFile?.state).toBe(state);
      expect(answer.peakBytes - answer.weightBytes - answer.kvBytes).toBeLessThanOrEqual(REST_BYTES);
    }
  });
});
