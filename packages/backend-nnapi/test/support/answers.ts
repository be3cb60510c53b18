/** A tiny model that answers on nnapi() over a posing runtime, and what came of it. */
import { loadModel } from "@millet/core";
import ort from "onnxruntime-node";
import { afterAll, beforeAll, expect } from "vitest";
import { acceleratedBackend } from "../../src/nnapi/nnapi.js";
import type { NnapiOptions } from "../../src/nnapi/options.js";
import { onnxRuntime } from "../../src/onnx.js";
import { nodeFiles } from "../../src/runtime/node-files.js";
import { floatForm } from "./float-form.js";
import { type Faults, posingRuntime } from "./posing-runtime.js";
import { makeTinyModel, type TinyModel } from "./tiny-model.js";

/** More than three chunks. */
const CHUNK = 32;
const PROMPT = Array.from({ length: 110 }, (_, i) => 3 + ((i * 37) % 200));
const SAMPLING = { temperature: 1, seed: 7, maxTokens: 6, ignoreEndOfGeneration: true };

/** Slow enough that what runs elsewhere is faster. */
export const SLOW_CPU = { cpu: 15 };

/** The model of a test file, made before its tests. */
export function tinyAnswers() {
  let tiny: TinyModel;
  let expected: readonly number[];
  beforeAll(async () => {
    tiny = await makeTinyModel("f32");
    expected = await answerOf({ backend: onnxRuntime({ ort, session: { intraOpNumThreads: 1 } }) });
  });
  afterAll(() => tiny.remove());

  async function answerOf(options: Pick<Parameters<typeof loadModel>[1] & object, "backend">) {
    const model = await loadModel(tiny.path, { ...options, promptChunkTokens: CHUNK, maxSequences: 1 });
    try {
      return (await model.generate(PROMPT, SAMPLING).result).tokenIds;
    } finally {
      await model.dispose();
    }
  }

  /** As nnapi() does it, in float32 and over a posing runtime. */
  async function posing(faults: Faults, options: Partial<NnapiOptions> = {}) {
    const { runtime, ...log } = posingRuntime(faults);
    const files = options.files ?? nodeFiles(await tiny.folder());
    const given = { ort: runtime, files, chunk: CHUNK, candidates: ["nnapi"] as const, ...options };
    const backend = acceleratedBackend(given, floatForm("tiny"));
    return { ...log, backend, files };
  }

  /** Answers, sees that the tokens are those that they would be without faults and that no session is left open. */
  async function answer(faults: Faults, options: Partial<NnapiOptions> = {}) {
    const { backend, files, ...log } = await posing(faults, options);
    try {
      expect(await answerOf({ backend })).toEqual(expected);
    } finally {
      expect(log.opened.filter(({ released }) => !released)).toEqual([]);
    }
    return { ...log, plan: backend.plan!, files };
  }

  return { answer, answerOf, posing, folder: () => tiny.folder(), expected: () => expected };
}
