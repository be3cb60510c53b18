/** Models that the accelerator has a part of, in several files; and what may be there by the numbers alone. */
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { SLOW_CPU, tinyAnswers } from "../support/answers.js";

const { answer } = tinyAnswers();
/** Of q, k, v, o, gate, up and down. */
const LAYER_WEIGHTS = 64 * (64 + 32 + 32 + 64 + 3 * 160);

test("as many layers as fit are on the accelerator, and the answer is the same", async () => {
  const limit = { maxNnapiBytes: 2 * LAYER_WEIGHTS - 1 };
  const { plan, opened } = await answer({ delays: SLOW_CPU }, limit);
  expect(plan).toMatchObject({ resolved: "nnapi", memory: { acceleratedLayers: 1, layers: 2 } });
  const { acceleratorBytes } = plan.memory!; // of float32, which the tests' form has
  expect(acceleratorBytes / (4 * LAYER_WEIGHTS)).toBeGreaterThan(1);
  expect(acceleratorBytes / (4 * LAYER_WEIGHTS)).toBeLessThan(1.1);
  expect(plan.reasons.map(({ code }) => code)).toEqual(["NNAPI_MEMORY_BUDGET", undefined]);
  const accelerated = opened.filter(({ path, provider }) => provider === "nnapi" && !path.includes("probe"));
  expect(accelerated.map(({ runs }) => runs)).toEqual([expect.any(Number)]);
});

test("files of another way to cut the model are removed", async () => {
  const shards = (path: string) => readdirSync(dirname(path)).filter((name) => /-\d\.onnx$/.test(name));
  const { files } = await answer({ delays: SLOW_CPU }, { shardBytes: 40_000 });
  const several = shards(files.path("x"));
  expect(several.length).toBeGreaterThan(2);
  await answer({ delays: SLOW_CPU }, { files });
  expect(shards(files.path("x"))).toEqual(["millet-nnapi-tiny-0.onnx"]);
});
