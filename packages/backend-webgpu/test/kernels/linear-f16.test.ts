/** The variants with f16 are valid WGSL, checked by a device that computes nothing: SwiftShader has no f16. */
import type { DType } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { describeWith, webgpu } from "../../../../test/support/availability.js";
import { lowerLinearTiles, tileVariants } from "../../src/kernels/linear/lower.js";
import type { LinearSpec } from "../../src/lower/specs.js";
import { planWeights } from "../../src/weights/plan.js";
import { graphOf, TestWorkspace } from "../support/run-on-slots.js";

/** The kernels of a gate with weights of these types. */
function kernelsOf(dtypes: readonly DType[]) {
  const tensors = dtypes.map((dtype, i) => [
    `${i}`,
    { spec: { dtype, shape: [8, 256] }, data: new Uint8Array() },
  ]);
  const limits = { maxBufferSize: 1e6, maxStorageBufferBindingSize: 1e6 };
  const { places } = planWeights({ graph: graphOf(Object.fromEntries(tensors)) }, limits);
  const x = { slot: 0, offset: 0, stride: 256, width: 256, rows: 40, axis: "tokens" as const };
  const spec: LinearSpec = {
    label: "test",
    x,
    parts: dtypes.map((_, i) => ({ weight: places.get(`${i}`)! })),
    finish: "gated",
    after: [{ op: "silu" }],
    y: { ...x, slot: 1, width: 8, stride: 8 },
  };
  const variant = tileVariants(new Set(["exact-halves", "shader-f16"])).at(-1)!;
  return lowerLinearTiles(spec, new TestWorkspace(2), variant).map(({ kernel }) => kernel);
}

/** The package ends the process if an entry point is collected before its objects. */
const kept: GPU[] = [];

describeWith(webgpu(), "linear_tile f16", () => {
  test("is valid", async () => {
    const { create } = await import("webgpu");
    kept.push(create(["backend=null"]));
    const adapter = await kept[0]!.requestAdapter();
    const device = await adapter!.requestDevice({ requiredFeatures: ["shader-f16"] });
    const kernels = [...kernelsOf(["q4_0", "q6_k"]), ...kernelsOf(["f16", "f16"])];
    expect(kernels.map(({ name }) => name)).toEqual(["linear_tile.q4_0+q6_k.f16", "linear_tile.f16.f16"]);
    for (const { code } of kernels) {
      const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
      expect(messages.map(({ message }) => message)).toEqual([]);
    }
    device.destroy();
  });
});
