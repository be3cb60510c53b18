/** What a runtime does wrong becomes a typed error, and the model goes on where it can. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadModel } from "@millet/core";
import ort from "onnxruntime-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OrtLike, type OrtSession, type OrtTensor, onnxRuntime } from "../../src/onnx.js";

type Tensors = Readonly<Record<string, OrtTensor>>;
type Fetches = Readonly<Record<string, OrtTensor | null>>;

let folder: string;
let tiny: string;
const options = { temperature: 0, maxTokens: 8, ignoreEndOfGeneration: true };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millet-test-"));
  tiny = join(folder, "tiny.gguf");
  const script = fileURLToPath(new URL("../../../../scripts/make-random-model.mjs", import.meta.url));
  await promisify(execFile)(process.execPath, [script, "--shape", "tiny", "--dtype", "q8_0", "--out", tiny]);
});
afterAll(() => rm(folder, { recursive: true }));

/** onnxruntime-node whose sessions are changed, and what became of them. */
function changed(change: (session: OrtSession) => Partial<OrtSession>) {
  const opened: { released: boolean }[] = [];
  const runtime: OrtLike = {
    Tensor: ort.Tensor,
    InferenceSession: {
      async create(model: string | Uint8Array) {
        const session: OrtSession = await ort.InferenceSession.create(model as Uint8Array);
        const state = { released: false };
        opened.push(state);
        return {
          inputNames: session.inputNames,
          outputNames: session.outputNames,
          run: (feeds: Tensors, fetches: Fetches = {}) => session.run(feeds, fetches),
          async release() {
            state.released = true;
            await session.release();
          },
          ...change(session),
        };
      },
    },
  };
  return { runtime, opened };
}

test("one that fails while it runs: the answer ends with its reason, the next one is whole", async () => {
  let failures = 0;
  const { runtime, opened } = changed((session) => ({
    run: async (feeds: Tensors, fetches: Fetches = {}) => {
      if (failures-- > 0) throw new Error("EP_FAIL: the driver gave up");
      return session.run(feeds, fetches);
    },
  }));
  const model = await loadModel(tiny, { backend: onnxRuntime({ ort: runtime }) });
  failures = 1;
  await expect(model.generate([1, 2, 3], options).result).rejects.toMatchObject({
    code: "BACKEND_FAILED",
    message: expect.stringContaining("the driver gave up"),
  });
  expect((await model.generate([1, 2, 3], options).result).tokenIds).toHaveLength(8);
  await model.dispose();
  expect(opened.length).toBeGreaterThan(0);
  expect(opened.filter(({ released }) => !released)).toEqual([]);
});

test("one that cannot open the model: loading fails with its reason, and another backend may serve", async () => {
  const runtime: OrtLike = {
    Tensor: ort.Tensor,
    InferenceSession: {
      create: () => Promise.reject(new Error("Failed to allocate memory for requested buffer")),
    },
  };
  const broken = onnxRuntime({ ort: runtime });
  await expect(loadModel(tiny, { backend: broken })).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
  const model = await loadModel(tiny, { backend: [broken, onnxRuntime({ ort })] });
  expect(model.backend.rejected.map(({ error }) => error.code)).toEqual(["OUT_OF_MEMORY"]);
  await model.dispose();
});

test("one with a memory of its own: the cache passes as inputs and outputs, and the answer is the same", async () => {
  const { runtime } = changed((session) => ({ run: (feeds: Tensors) => session.run(feeds) }));
  const tokens: (readonly number[])[] = [];
  for (const backend of [onnxRuntime({ ort: runtime }), onnxRuntime({ ort })]) {
    const model = await loadModel(tiny, { backend });
    const { limitations } = model.backend.capabilities;
    const isCopied = limitations.some((sentence) => sentence.includes("does not update tensors in place"));
    expect(isCopied).toBe(tokens.length === 0);
    tokens.push((await model.generate([1, 2, 3], options).result).tokenIds);
    await model.dispose();
  }
  expect(tokens[0]).toEqual(tokens[1]);
});

test("one that is none is refused", async () => {
  const nothing = onnxRuntime({ ort: {} as OrtLike });
  await expect(nothing.create()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});
