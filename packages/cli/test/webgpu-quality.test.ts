/**
 * The shipped model on the WebGPU backend over 512 tokens of a real text, every next token given: how far its distributions are from the
 * reference's. The reference is the CPU backend with the weights as float32, which no engine rounds.
 */
import { readFileSync } from "node:fs";
import { cpu } from "@millet/backend-cpu";
import { webgpu } from "@millet/backend-webgpu";
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { ggufTokenizer } from "@millet/core/tokenizer";
import smollm2 from "@millet/model-smollm2-135m-instruct";
import { expect, test } from "vitest";
import { asFloats } from "../../../test/support/as-floats.js";
import { describeWith, sharedData, webgpu as webgpuHere } from "../../../test/support/availability.js";
import { argmax, decoderOf } from "../../../test/support/decoder.js";
import { testGpu } from "../../../test/support/gpu.js";

const [TOKENS, CHUNK] = [512, 64];

describeWith(sharedData("text/wikitext2-raw-test.txt"), "the shipped model", (path) => {
  describeWith(webgpuHere(), "on the device", () => {
    test("gives the reference's distributions", { timeout: 600_000 }, async () => {
      const file = await openGguf(await openSource(smollm2));
      const text = readFileSync(path, "utf8").slice(0, 10_000);
      const ids = [...ggufTokenizer(file.metadata).encode(text)].slice(0, TOKENS);
      const exact = await cpu().create();
      const floats = new Map([...file.weights].map(([name, source]) => [name, asFloats(source)]));
      const reference = await decoderOf(exact, { ...file, weights: floats }, CHUNK, TOKENS);
      const backend = await webgpu({ gpu: await testGpu() }).create();
      const decoder = await decoderOf(backend, file, CHUNK, TOKENS);
      await file.close();
      const divergences: number[] = [];
      let agreed = 0;
      for (let start = 0; start < TOKENS; start += CHUNK) {
        const tokens = ids.slice(start, start + CHUNK);
        const expected = await reference.run(tokens, start);
        const actual = await decoder.run(tokens, start);
        expected.forEach((row, i) => {
          divergences.push(klDivergence(row, actual[i]!));
          if (argmax(row) === argmax(actual[i]!)) agreed++;
        });
      }
      await backend.dispose();
      await exact.dispose();
      expect(divergences).toHaveLength(TOKENS);
      const mean = divergences.reduce((sum, divergence) => sum + divergence, 0) / TOKENS;
      console.log(
        `mean KL ${mean.toExponential(2)}, top-1 agreement ${((100 * agreed) / TOKENS).toFixed(2)}%`,
      );
      expect(mean).toBeLessThanOrEqual(1e-3);
      expect(agreed / TOKENS).toBeGreaterThanOrEqual(0.99);
    });
  });
});

/** sum p log(p / q) of the distributions that two rows of logits give. */
function klDivergence(p: Float32Array, q: Float32Array): number {
  const [logP, logQ] = [logSum(p), logSum(q)];
  return p.reduce((sum, logit, i) => sum + Math.exp(logit - logP) * (logit - logP - (q[i]! - logQ)), 0);
}

function logSum(logits: Float32Array): number {
  const most = logits.reduce((a, b) => Math.max(a, b));
  return most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
}
