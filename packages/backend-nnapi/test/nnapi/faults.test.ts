/**
 * Whatever the runtime does wrong, before or in the middle of an answer: the answer comes with the same tokens, no session is
 * left open, and the plan says what happened.
 */
import { statSync, truncateSync } from "node:fs";
import { expect, test } from "vitest";
import { nodeFiles } from "../../src/runtime/node-files.js";
import { SLOW_CPU, tinyAnswers } from "../support/answers.js";
import type { Faults } from "../support/posing-runtime.js";

const { answer, folder } = tinyAnswers();

/** A runtime that fails as onnxruntime does. */
const epFail = (provider: string) => {
  if (provider.startsWith("nnapi"))
    throw new Error("[ONNXRuntimeError] : 11 : EP_FAIL : Non-zero status code");
};

test("none: prompts go to the accelerator in chunks, what is left to the CPU", async () => {
  const { plan, opened } = await answer({ delays: SLOW_CPU });
  expect(plan).toMatchObject({ resolved: "nnapi", fallback: "onnx", remembered: false });
  expect(plan.candidates[0]).toMatchObject({
    created: true,
    partitions: 3,
    leftToCpu: { GroupQueryAttention: 2 },
  });
  const accelerated = opened.filter(({ path, provider }) => provider === "nnapi" && !path.includes("probe"));
  expect(accelerated).toHaveLength(1);
  expect(accelerated[0]!.runs).toBeGreaterThanOrEqual(3); // and one more if its speed makes up for a chunk that is not full
  expect(accelerated[0]!.options!.executionProviders).toEqual([{ name: "nnapi" }, "cpu"]);
  expect(opened.every(({ path, provider }) => path !== "" || provider === "cpu")).toBe(true);
});

/** Faults that show in the contest. */
const BEFORE: readonly (readonly [name: string, code: string, faults: Faults])[] = [
  ["a build without NNAPI", "BACKEND_UNAVAILABLE", { providers: ["cpu", "xnnpack"] }],
  ["no session", "NNAPI_DRIVER_REJECTED", { onCreate: epFail }],
  [
    "no memory for a session",
    "OUT_OF_MEMORY",
    {
      onCreate(provider) {
        if (provider === "nnapi") throw new Error("bad allocation: out of memory");
      },
    },
  ],
  [
    "no run",
    "NNAPI_DRIVER_REJECTED",
    {
      onRun(provider) {
        epFail(provider);
        return undefined;
      },
    },
  ],
  [
    "results that are not finite",
    "NNAPI_DRIVER_REJECTED",
    { delays: SLOW_CPU, onRun: (provider) => (provider === "nnapi" ? "nan" : undefined) },
  ],
  [
    "other results than the CPU's",
    "NNAPI_DRIVER_REJECTED",
    { delays: SLOW_CPU, onRun: (provider) => (provider === "nnapi" ? "wrong" : undefined) },
  ],
  ["slower than the CPU", "NNAPI_SLOWER_THAN_CPU", { delays: { nnapi: 10, "nnapi cpuOnly": 60 } }],
  ["as slow as the reference", "NNAPI_REFERENCE_ONLY", { delays: { nnapi: 20, "nnapi cpuOnly": 20 } }],
];

test.each(BEFORE)("%s: %s", async (_, code, faults) => {
  const { plan, opened } = await answer(faults);
  expect(plan.resolved).toBe("none");
  expect(plan.reasons.map((reason) => reason.code)).toEqual([code]);
  expect(plan.candidates.map(({ reason }) => reason?.code)).toEqual([code]);
  expect(String(plan)).toContain(code);
  expect(opened.filter(({ path, provider }) => provider === "nnapi" && !path.includes("probe"))).toEqual([]);
});

test("a driver that takes the first layers and not the model", async () => {
  const { plan } = await answer({
    delays: SLOW_CPU,
    onCreate(provider, path) {
      if (!path.includes("probe")) epFail(provider);
    },
  });
  expect(plan.resolved).toBe("none");
  expect(plan.reasons.at(-1)).toMatchObject({ code: "NNAPI_DRIVER_REJECTED" });
});

/** The contest takes 4 runs; the answer's second chunk is the 6th. */
const MIDDLE = 6;

test.each([
  ["throws", (provider: string) => epFail(provider)],
  ["returns what is not finite", () => "nan" as const],
])("in the middle of an answer it %s", async (_, fault) => {
  const faults: Faults = {
    delays: SLOW_CPU,
    onRun: (provider, run) =>
      provider === "nnapi" && run === MIDDLE ? (fault(provider) ?? undefined) : undefined,
  };
  const { plan, files, counts } = await answer(faults);
  expect(counts.get("nnapi")).toBe(MIDDLE);
  expect(plan).toMatchObject({ resolved: "none", candidates: [{ created: true }] });
  expect(plan.reasons.at(-1)!.code).toBe("NNAPI_DRIVER_REJECTED");
  const later = await answer({ delays: SLOW_CPU }, { files });
  expect(later.plan).toMatchObject({ resolved: "none", remembered: true });
  expect(later.counts.get("nnapi")).toBeUndefined();
});

test("in the middle of an answer it runs out of memory, which another time may suffice", async () => {
  const faults: Faults = {
    delays: SLOW_CPU,
    onRun(provider, run) {
      if (provider === "nnapi" && run === MIDDLE) throw new Error("Failed to allocate memory");
      return undefined;
    },
  };
  const { plan, files } = await answer(faults);
  expect(plan.resolved).toBe("none");
  expect(plan.reasons.at(-1)!.code).toBe("OUT_OF_MEMORY");
  expect((await answer({ delays: SLOW_CPU }, { files })).plan).toMatchObject({
    resolved: "nnapi",
    remembered: true,
  });
});

test("a full disk", async () => {
  const disk = nodeFiles(await folder());
  const write = () => Promise.reject(new Error("write failed: ENOSPC (No space left on device)"));
  const { plan } = await answer({ delays: SLOW_CPU }, { files: { ...disk, write } });
  expect(plan).toMatchObject({ resolved: "none", reasons: [{ code: "STORE_FULL" }] });
});

test("a disk that fills while the shards are written", async () => {
  const disk = nodeFiles(await folder());
  const write: typeof disk.write = async (name, pieces) => {
    if (!name.endsWith("-0.onnx")) return disk.write(name, pieces);
    await disk.write(name, firstOf(pieces));
    throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  };
  const { plan } = await answer({ delays: SLOW_CPU }, { files: { ...disk, write } });
  expect(plan.resolved).toBe("none");
  expect(plan.reasons.at(-1)).toMatchObject({ code: "STORE_FULL" });
  expect(await disk.size("millet-nnapi-tiny-0.onnx")).toBeUndefined();
});

async function* firstOf(pieces: AsyncIterable<Uint8Array>) {
  for await (const piece of pieces) {
    yield piece;
    return;
  }
}

test("a shard that an earlier run left half-written", async () => {
  const { files } = await answer({ delays: SLOW_CPU });
  const path = files.path("millet-nnapi-tiny-0.onnx");
  const { size } = statSync(path);
  truncateSync(path, size >> 1);
  const { plan } = await answer({ delays: SLOW_CPU }, { files });
  expect(plan).toMatchObject({ resolved: "nnapi", remembered: true });
  expect(statSync(path).size).toBe(size);
});
