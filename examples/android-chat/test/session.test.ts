/** The app without its screen, on a random model and a backend of the test: downloads, chats, stops, tests itself. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ActivationScales, nnapi } from "@millet/backend-nnapi";
import { reference } from "@millet/core";
import { createStore } from "@millet/core/store";
import ort from "onnxruntime-node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ROOT } from "../../../scripts/workspaces.js";
import { type StaticServer, serve } from "../../../test/support/static-server.js";
import { runtimeFiles } from "../src/files/runtime-files.js";
import { storeFiles } from "../src/files/store-files.js";
import type { PlannedBackend, ProviderName } from "../src/run/backend.js";
import { modelCalibration } from "../src/run/calibration.js";
import { ChatSession, type SessionSetup, type SessionState } from "../src/run/chat-session.js";
import { type DeviceFactsModule, readDeviceFacts } from "../src/run/device.js";
import { type NodeFiles, nodeFiles } from "./support/node-files.js";

const CHUNK = 1 << 16;
let folder: string;
let server: StaticServer;
let address: string;
let files: NodeFiles;
/** Kept from test to test, as measured ranges are from start to start. */
let shards: NodeFiles;
let states: SessionState[];
let calibrations: ActivationScales[];

beforeAll(async () => {
  shards = nodeFiles();
  folder = mkdtempSync(join(tmpdir(), "millet-app-model-"));
  const file = join(folder, "tiny.gguf");
  const script = join(ROOT, "scripts/make-random-model.mjs");
  await promisify(execFile)(process.execPath, [script, "--shape", "tiny", "--dtype", "q8_0", "--out", file]);
  server = await serve({ "/tiny.gguf": { file } }, { isolated: false });
  address = `${server.origin}/tiny.gguf`;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
  shards.dispose();
});
beforeEach(() => {
  files = nodeFiles();
  states = [];
  calibrations = [];
});
afterEach(() => files.dispose());

const native: DeviceFactsModule = {
  read: () => Promise.reject(new Error("not on this phone")),
  listNnapiDevices: () => Promise.resolve(["maker-npu\t1.2.3\t4\t31", "nnapi-reference\tUNKNOWN\t2\t31"]),
};

function planned(calibration: ActivationScales, only: ProviderName | undefined): PlannedBackend {
  calibrations.push(calibration);
  if (only === "xnnpack") {
    return {
      name: "nnapi",
      plan: undefined,
      create: () => Promise.reject(new Error("no such provider")),
    };
  }
  const plan = { resolved: only ?? "none", fallback: "reference", toString: () => "the test's own" } as const;
  return { ...reference(), plan };
}

function session(backend: SessionSetup["backend"] = planned): ChatSession {
  const store = createStore({ files: storeFiles(files), chunkBytes: CHUNK });
  return new ChatSession(
    {
      store,
      calibrate: (model, signal, onProgress) =>
        modelCalibration({
          address: model,
          store,
          files: runtimeFiles(shards),
          backend: reference(),
          signal,
          onProgress,
        }),
      fetch,
      contextLength: 256,
      app: { millet: "0.0.0", runtime: "1.24.3", providers: ["nnapi", "cpu"] },
      backend,
      readFacts: () => readDeviceFacts(native),
      generation: { ignoreEndOfGeneration: true }, // a random model would end its answer anywhere
    },
    (state) => states.push(state),
  );
}

test("downloads once, shows progress and the plan, and answers in pieces", async () => {
  const app = session();
  await app.open(address);
  expect(app.state).toMatchObject({ doing: "nothing", isLoaded: true, error: undefined });
  expect(String(app.state.plan)).toBe("the test's own");
  expect(states.some(({ download }) => (download?.loadedBytes ?? 0) > CHUNK)).toBe(true);
  const sending = app.send("Hello there");
  await until(() => (app.state.turns[1]?.text.length ?? 0) > 8);
  app.stop();
  await sending;
  expect(app.state.turns.map(({ role }) => role)).toEqual(["user", "assistant"]);
  expect(app.state.note).toMatch(/^stopped; prompt [\d.]+, answer [\d.]+ tokens\/s$/);
  const requests = server.ranges.get("/tiny.gguf");
  await app.dispose();
  const again = session();
  await again.open(address);
  expect(again.state.isLoaded).toBe(true);
  expect(calibrations[0]?.tokens).toBeGreaterThan(500);
  expect(calibrations[1]).toEqual(calibrations[0]);
  const measured = states.filter(({ note }) => note.endsWith("% of the calibration"));
  expect(measured.length).toBeGreaterThan(1);
  expect(server.ranges.get("/tiny.gguf")! - requests!).toBeLessThanOrEqual(1); // whether the file is still the same
  await again.dispose();
});

test("a download that is stopped goes on later, and a full disk is told", async () => {
  const app = session();
  const opening = app.open(address);
  await until(() => (app.state.download?.loadedBytes ?? 0) >= CHUNK);
  app.stop();
  await opening;
  expect(app.state).toMatchObject({ doing: "nothing", isLoaded: false, error: undefined, note: "stopped" });
  files.room = CHUNK;
  await app.open(address);
  expect(app.state).toMatchObject({ isLoaded: false, error: { code: "STORE_FULL" } });
  files.room = Infinity;
  await app.open(address);
  expect(app.state).toMatchObject({ isLoaded: true, error: undefined });
  await app.dispose();
});

test("one thing at a time", async () => {
  const app = session();
  const opening = app.open(address);
  await app.send("too early");
  await app.selfTest(address);
  expect(app.state.report).toBeUndefined();
  await opening;
  expect(app.state.turns).toEqual([]);
  await app.dispose();
});

test("the self-test reports every provider, what failed, the phone and its drivers, as JSON", async () => {
  const app = session();
  await app.selfTest(address);
  const report = JSON.parse(JSON.stringify(app.state.report));
  expect(report).toMatchObject({ format: 1, model: address, app: { runtime: "1.24.3" } });
  expect(report.device.nnapiDevices).toEqual([
    { name: "maker-npu", version: "1.2.3", type: "accelerator", featureLevel: 31 },
    { name: "nnapi-reference", version: "UNKNOWN", type: "cpu", featureLevel: 31 },
  ]);
  expect(report.device.notes).toEqual(["Android's facts: not on this phone"]);
  const [cpu, xnnpack, nnapi] = report.candidates;
  expect(cpu).toMatchObject({ name: "cpu", sameTokensAsCpu: 16, plan: { resolved: "cpu" } });
  expect(cpu.promptTokens).toBe(128);
  expect(cpu.tokenIds).toHaveLength(16);
  expect(xnnpack).toMatchObject({
    name: "xnnpack",
    error: { message: expect.stringContaining("no such provider") },
  });
  expect(nnapi).toMatchObject({ name: "nnapi", tokenIds: cpu.tokenIds, sameTokensAsCpu: 16 });
  await app.dispose();
});

test("with nnapi() on a runtime that has the CPU alone: a plan with reasons, answers, and a report that says so", async () => {
  const app = session((calibration, only) =>
    nnapi({
      ort,
      files: runtimeFiles(shards),
      calibration,
      apiLevel: 30,
      device: "a test",
      ...(only && { candidates: [only], strict: true, minSpeedup: 0, probe: "always" as const }),
    }),
  );
  await app.open(address);
  expect(app.state.error).toBeUndefined();
  expect(String(app.state.plan)).toContain("BACKEND_UNAVAILABLE");
  const sending = app.send("Hello there");
  await until(() => (app.state.turns[1]?.text.length ?? 0) > 4);
  app.stop();
  await sending;
  await app.selfTest(address);
  const candidates = app.state.report?.candidates ?? [];
  expect(candidates.map(({ name, error }) => [name, error?.code])).toEqual([
    ["cpu", undefined],
    ["xnnpack", expect.stringMatching(/^[A-Z_]+$/)],
    ["nnapi", "BACKEND_UNAVAILABLE"],
  ]);
  expect(candidates[0]).toMatchObject({ sameTokensAsCpu: 16, plan: { resolved: "cpu" } });
  await app.dispose();
});

test("a self-test can be stopped", async () => {
  const app = session();
  const testing = app.selfTest(address);
  await until(() => app.state.note.startsWith("cpu: answering"));
  app.stop();
  await testing;
  expect(app.state).toMatchObject({ doing: "nothing", report: undefined, note: "stopped" });
  await app.dispose();
});

test("an app without its native module says so; one without a driver, too", async () => {
  expect((await readDeviceFacts(undefined)).notes).toEqual(["The app was built without its native module."]);
});

async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error("It did not happen.");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
