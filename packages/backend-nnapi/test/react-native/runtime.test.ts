/** The JavaScript that apps have on Android, with its traps and without them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { describeWith, reactNativeRuntime } from "../../../../test/support/availability.js";
import { writeOnnx } from "../../src/onnx/write.js";
import { guardedRuntime, runtimeVersion, supportedProviders } from "../../src/runtime/guard.js";
import { nodeFiles } from "../../src/runtime/node-files.js";
import { model, node, value } from "../support/graphs.js";
import { reactNativeRuntimeAt } from "../support/react-native-runtime.js";

const twice = () =>
  writeOnnx(
    model({
      inputs: [value("x", ["n"])],
      outputs: [value("y", ["n"])],
      nodes: [node("Add", ["x", "x"], ["y"])],
    }),
  );

describeWith(reactNativeRuntime(), "onnxruntime-react-native", (folder) => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "millet-test-"));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  /** A model's path as apps have it. */
  async function file(): Promise<string> {
    const files = nodeFiles(root);
    await files.write("twice.onnx", twice().chunks());
    return `file://${files.path("twice.onnx")}`;
  }

  describe("as it is", () => {
    test("takes memory from its first byte, whatever a view says", async () => {
      const { runtime } = reactNativeRuntimeAt(folder, ["cpu"]);
      const session = await runtime.InferenceSession.create(await file());
      const view = Float32Array.of(1, 2, 3, 4).subarray(2);
      const { y } = await session.run({ x: new runtime.Tensor("float32", view, [2]) });
      expect(y!.data).toEqual(Float32Array.of(2, 4)); // not 6, 8
    });

    test("drops the options of a model that comes from memory", async () => {
      const { runtime, log } = reactNativeRuntimeAt(folder, ["cpu", "nnapi"]);
      await runtime.InferenceSession.create(await twice().bytes(), { executionProviders: ["nnapi"] });
      expect(log.models).toEqual([{ path: undefined, options: undefined }]);
    });

    test("goes on without a provider that it lacks", async () => {
      const { runtime, log } = reactNativeRuntimeAt(folder, ["cpu"]);
      const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
      await runtime.InferenceSession.create(await file(), { executionProviders: ["nnapi", "cpu"] });
      expect(log.models[0]!.options!.executionProviders).toEqual(["cpu"]);
      expect(warn).toHaveBeenCalledOnce();
      warn.mockRestore();
    });
  });

  describe("guarded", () => {
    test("views are copied, for inputs and for models", async () => {
      const { runtime } = reactNativeRuntimeAt(folder, ["cpu"]);
      const { InferenceSession, Tensor } = guardedRuntime(runtime);
      const bytes = await twice().bytes();
      const padded = new Uint8Array(bytes.length + 100);
      padded.set(bytes, 50);
      const session = await InferenceSession.create(padded.subarray(50, 50 + bytes.length));
      const view = Float32Array.of(1, 2, 3, 4).subarray(2);
      const { y } = await session.run({ x: new Tensor("float32", view, [2]) });
      expect(y!.data).toEqual(Float32Array.of(6, 8));
    });

    test("tensors for outputs are written in place", async () => {
      const { runtime } = reactNativeRuntimeAt(folder, ["cpu"]);
      const { InferenceSession, Tensor } = guardedRuntime(runtime);
      const session = await InferenceSession.create(await file());
      const data = new Float32Array(2);
      const feeds = { x: new Tensor("float32", Float32Array.of(1, 2), [2]) };
      await session.run(feeds, { y: new Tensor("float32", data, [2]) });
      expect(data).toEqual(Float32Array.of(2, 4));
    });

    test("flags reach the provider of a model from a file", async () => {
      const { runtime, log } = reactNativeRuntimeAt(folder, ["cpu", "xnnpack", "nnapi"]);
      const provider = { name: "nnapi", useFP16: true, useNCHW: false, cpuDisabled: true, cpuOnly: false };
      const executionProviders = [provider, "cpu"];
      const path = await file();
      await guardedRuntime(runtime).InferenceSession.create(path, {
        executionProviders,
        intraOpNumThreads: 3,
      });
      expect(log.models).toEqual([
        {
          path: path.slice("file://".length),
          options: expect.objectContaining({ executionProviders, intraOpNumThreads: 3 }),
        },
      ]);
    });

    test("options of a model from memory are refused", async () => {
      const { runtime, log } = reactNativeRuntimeAt(folder, ["cpu", "nnapi"]);
      const created = guardedRuntime(runtime).InferenceSession.create(await twice().bytes(), {
        executionProviders: ["nnapi"],
      });
      await expect(created).rejects.toMatchObject({ code: "ORT_RN_BUFFER_LOAD_IGNORES_OPTIONS" });
      expect(log.models).toEqual([]);
    });

    test("a provider that is not there is named", async () => {
      const { runtime, log } = reactNativeRuntimeAt(folder, ["cpu", "xnnpack"]);
      const guarded = guardedRuntime(runtime);
      const created = guarded.InferenceSession.create(await file(), { executionProviders: ["nnapi", "cpu"] });
      await expect(created).rejects.toMatchObject({
        code: "BACKEND_UNAVAILABLE",
        message: expect.stringContaining('"nnapi"'),
      });
      expect(log.models).toEqual([]);
      expect(supportedProviders(guarded)).toEqual(["cpu", "xnnpack"]);
      expect(runtimeVersion(guarded)).toBe("react-native 1.24.3");
    });
  });
});
