import { expect, it } from "vitest";
import { readGgufHeader } from "../../src/formats/gguf/index.js";
import { openSource } from "../../src/store/index.js";
import { makeGguf } from "./make.js";

it("reads the header of a vocabulary of 150,000 tokens and as many merges within 100 ms", async () => {
  const strings = Array.from({ length: 150_000 }, (_, i) => (i % 3 ? `Ġtoken${i}` : `t${i}`));
  const bytes = await makeGguf({
    metadata: [
      ["tokens", { type: "array", elementType: "string", value: strings }],
      ["merges", { type: "array", elementType: "string", value: strings }],
      ["scores", { type: "array", elementType: "f32", value: new Float32Array(150_000) }],
    ],
    tensors: [],
  });
  const source = await openSource(bytes);
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const begin = performance.now();
    await readGgufHeader(source);
    times.push(performance.now() - begin);
  }
  expect(Math.min(...times)).toBeLessThan(100);
});
