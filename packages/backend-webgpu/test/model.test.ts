/** A model on the device through core's face: memory given back, submissions and bytes read counted, devices lost. */
import { pathToFileURL } from "node:url";
import { loadModel, type Model } from "@millet/core";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData, webgpu as webgpuHere } from "../../../test/support/availability.js";
import { testGpu } from "../../../test/support/gpu.js";
import { openDevice } from "../src/device/open-device.js";
import { type DispatchTrace, webgpu } from "../src/index.js";
import { WatchedGpu } from "./support/watched-gpu.js";

const PROMPT = "Once upon a time";
const GREEDY = { temperature: 0, seed: 1 };
const SAMPLED = { temperature: 0.8, topK: 40, seed: 7 };

describeWith(sharedData("models"), "stories260K", (folder) => {
  describeWith(webgpuHere(), "on the device", () => {
    const file = pathToFileURL(`${folder}/stories260K.gguf`);
    const load = async (watched: WatchedGpu): Promise<Model> =>
      loadModel(file, { backend: webgpu({ gpu: watched.gpu }) });
    const watch = async () => new WatchedGpu(await testGpu());

    test("loading and disposing 20 times leaves no buffer behind", { timeout: 240_000 }, async () => {
      const watched = await watch();
      const { gpu: device } = await openDevice({ gpu: watched.gpu });
      for (let i = 0; i < 20; i++) {
        const model = await loadModel(file, { backend: webgpu({ device }) });
        expect(watched.liveBytes).toBeGreaterThan(1e6);
        if (i % 5 === 0) await model.generate(PROMPT, { maxTokens: 3, ...GREEDY }).result;
        await model.dispose();
        expect(watched.liveBuffers.size).toBe(0);
      }
      device.destroy();
    });

    test.each([GREEDY, SAMPLED])(
      "a token reads back little, in one submission: %j",
      { timeout: 240_000 },
      async (sampling) => {
        const watched = await watch();
        const model = await load(watched);
        await model.generate(PROMPT, { maxTokens: 4, ...sampling }).result; // buffers of every size exist then
        const before = {
          submissions: watched.submissions,
          bytes: watched.bytesRead,
          buffers: watched.liveBuffers.size,
        };
        const { tokenIds } = await model.generate(PROMPT, { maxTokens: 40, ...sampling }).result;
        expect(tokenIds).toHaveLength(40);
        const perToken = (count: number) => count / tokenIds.length;
        expect(perToken(watched.bytesRead - before.bytes)).toBeLessThanOrEqual(4096);
        expect(perToken(watched.submissions - before.submissions)).toBeLessThanOrEqual(1.3); // with prompt and steps in vain
        expect(watched.liveBuffers.size).toBeLessThanOrEqual(before.buffers + 4);
        await model.dispose();
      },
    );

    test("a trace has the time of every dispatch of a step", { timeout: 240_000 }, async () => {
      const traced: DispatchTrace[] = [];
      const trace = (dispatch: DispatchTrace) => void traced.push(dispatch);
      const backend = webgpu({ gpu: await testGpu(), trace });
      const model = await loadModel(file, { backend });
      traced.length = 0; // what the self-test ran
      await model.generate(PROMPT, { maxTokens: 3, ...GREEDY }).result;
      await model.dispose();
      const steps = traced.filter(({ program, index }) => program === "decode" && index === 0);
      expect(steps.length).toBeGreaterThanOrEqual(2);
      const decode = traced.filter(({ program }) => program === "decode");
      expect(decode.length % steps.length).toBe(0);
      expect(decode.map(({ kernel }) => kernel.split(".")[0])).toEqual(
        expect.arrayContaining(["embedding", "linear_row", "kv_write", "attention_span", "sample_choose"]),
      );
      expect(traced.every(({ elapsedMs }) => elapsedMs >= 0)).toBe(true);
      expect(traced.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0)).toBeGreaterThan(0);
    });

    describe("device.destroy() in the middle of an answer", () => {
      test.each([GREEDY, SAMPLED])("the stream goes on: %j", { timeout: 240_000 }, async (sampling) => {
        const watched = await watch();
        const model = await load(watched);
        const options = { maxTokens: 48, ...sampling };
        const undisturbed = await model.generate(PROMPT, options).result;
        let random = 12345;
        for (let round = 0; round < 3; round++) {
          random = (random * 48271) % 2147483647;
          const at = 1 + (random % 40);
          const stream = model.generate(PROMPT, options);
          let chunks = 0;
          for await (const _ of stream.chunks()) if (++chunks === at) watched.devices.at(-1)!.destroy();
          const { text, tokenIds } = await stream.result;
          expect(text).toBe(undisturbed.text);
          expect(tokenIds).toEqual(undisturbed.tokenIds);
        }
        expect(watched.devices.length).toBe(4);
        await model.dispose();
        expect(watched.liveBuffers.size).toBe(0);
      });
    });
  });
});
