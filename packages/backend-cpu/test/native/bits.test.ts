/** Norms and elementwise ops give the bits of the WASM engine on the native one, whoever computes which part. */
import { runOutputs } from "@millet/conformance";
import { GraphBuilder, type Value } from "@millet/core/graph";
import { geglu, gelu, layerNorm, rmsNorm, scale, silu, softCap, swiglu } from "@millet/core/ops";
import { tensorOf, type WeightSource } from "@millet/core/tensor";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { Random } from "../../../../test/support/random.js";
import { cpu } from "../../src/index.js";
import { nativeEngine } from "./requirement.js";

const COLUMNS = 3 * 37;

/** Every op on x and z, for at most so many rows. */
function graphOf(rows: number) {
  const random = new Random(5);
  const builder = new GraphBuilder("ops");
  const weights = new Map<string, WeightSource>();
  const [x, z] = ["x", "z"].map((name) =>
    builder.input(name, { dtype: "f32", shape: [rows, COLUMNS] }, "tokens"),
  );
  const vector = (name: string, length: number): Value => {
    const { data, spec } = tensorOf("f32", [length], random.normals(length));
    weights.set(name, {
      spec,
      readInto: async (at, target) => target.set(data.subarray(at, at + target.length)),
    });
    return builder.weight(name, spec);
  };
  const [all, one, bias] = [vector("all", COLUMNS), vector("one", 37), vector("bias", 37)];
  const [norm, heads] = [{ epsilon: 1e-6 }, { epsilon: 1e-6, groups: 3 }];
  const outputs = {
    exact: builder.emitOne(gelu, [x!], { approximation: "none" }),
    tanh: builder.emitOne(gelu, [x!], { approximation: "tanh" }),
    gatedExact: builder.emitOne(geglu, [x!, z!], { approximation: "none" }),
    gatedTanh: builder.emitOne(geglu, [x!, z!], { approximation: "tanh" }),
    capped: builder.emitOne(softCap, [x!], { cap: 3 }),
    scaled: builder.emitOne(scale, [x!], { factor: 0.22 }),
    silu: builder.emitOne(silu, [x!], {}),
    swiglu: builder.emitOne(swiglu, [x!, z!], {}),
    rms: builder.emitOne(rmsNorm, [x!, all], norm),
    rmsOfHeads: builder.emitOne(rmsNorm, [x!, one], heads),
    layer: builder.emitOne(layerNorm, [x!, all], norm),
    layerOfHeads: builder.emitOne(layerNorm, [x!, one, bias], heads),
  };
  const input = (active: number) =>
    tensorOf(
      "f32",
      [active, COLUMNS],
      random.normals(active * COLUMNS).map((v) => 4 * v),
    );
  const calls = [rows, 1].map((active) => ({ x: input(active), z: input(active) }));
  return { graph: builder.finish(outputs), weights, calls };
}

describeWith(nativeEngine(), "native engine", () => {
  describe("gives the bits of the WASM engine for norms and elementwise ops", () => {
    test.each([2, 30])("of %i rows", async (rows) => {
      const results = [];
      for (const options of [
        { engine: "wasm", threads: 1 },
        { engine: "native", threads: 1 },
        { engine: "native", threads: 3 },
      ] as const) {
        const backend = await cpu(options).create();
        results.push(await runOutputs(backend, graphOf(rows)));
        await backend.dispose();
      }
      const [wasm, ...native] = results;
      for (const result of native) expect(result).toEqual(wasm);
    });
  });
});
