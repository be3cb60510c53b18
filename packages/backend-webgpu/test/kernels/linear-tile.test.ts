/** linear for many rows: every format and variant on ugly shapes, and every fused step, against float64. */
import type { DType } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { lowerLinearTiles, tileVariants } from "../../src/kernels/linear/lower.js";
import { GPU_FORMATS } from "../../src/quant/index.js";
import { describeOnDevice } from "../support/device.js";
import { errorOfLinear, type LinearCase, widthsOf } from "../support/linear-case.js";

const FORMATS = Object.values(GPU_FORMATS).map(({ dtype }) => dtype);
const [PLAIN, HALVES, F16, DOT] = tileVariants(new Set(["exact-halves", "shader-f16", "packed-dot"]));
/** One of each kind: symmetric, with a minimum, signed, scales per 16 and per 32 inputs. */
const DOTTED: readonly DType[] = ["q4_0", "q4_1", "q8_0", "q2_k", "q4_k", "q6_k", "iq4_xs"];
const MOST_ERROR = 1e-10;

describeOnDevice("linear_tile", (device) => {
  const check = async (c: LinearCase, variant = HALVES!, most = MOST_ERROR) => {
    const { error, dispatches } = await errorOfLinear(device(), c, (spec, workspace) =>
      lowerLinearTiles(spec, workspace, variant),
    );
    expect(error, `${variant.name} ${JSON.stringify(c)}`).toBeLessThan(most);
    return dispatches.map(({ kernel }) => kernel.name);
  };

  for (const dtype of FORMATS) {
    const [least, odd] = widthsOf(dtype);
    test(`${dtype}, plain`, async () => {
      await check({ dtypes: [dtype], outputs: [33], inputs: odd!, rows: 9 }, PLAIN);
    });
    if (!DOTTED.includes(dtype)) continue;
    // Rows that int8 can hold make the integer products as exact as the others.
    test(`${dtype}, packed-dot`, async () => {
      const c = { dtypes: [dtype], outputs: [7], inputs: least!, rows: 65, integers: true };
      expect((await check(c, DOT)).at(-1)).toBe(`linear_tile.${dtype}.packed-dot`);
    });
  }
  test("f16 and a K-type, halves", async () => {
    await check({ dtypes: ["f16", "q4_k"], outputs: [7, 70], inputs: 256, rows: 65 }, HALVES);
  });

  const fused: Record<string, LinearCase> = {
    "several tiles, not all rows active": {
      dtypes: ["q4_0"],
      outputs: [130],
      inputs: 96,
      rows: 130,
      active: 70,
    },
    "a norm and three weights of different types": {
      dtypes: ["q4_0", "q6_k", "f16"],
      outputs: [66, 5, 7],
      inputs: 256,
      rows: 9,
      norm: true,
      bias: true,
    },
    "a gate of two types": {
      dtypes: ["q4_k", "q8_0"],
      outputs: [37, 37],
      inputs: 256,
      rows: 11,
      norm: true,
      finish: "gated",
    },
    "a gate of one type": {
      dtypes: ["q4_0", "q4_0"],
      outputs: [45, 45],
      inputs: 64,
      rows: 33,
      active: 2,
      finish: "gated",
    },
    "a residual": { dtypes: ["q4_1"], outputs: [9], inputs: 64, rows: 10, finish: "residual" },
    "a residual in place": {
      dtypes: ["f32"],
      outputs: [9],
      inputs: 30,
      rows: 10,
      norm: true,
      finish: "residual",
      inPlace: true,
    },
    "gathered rows": { dtypes: ["q4_0"], outputs: [13], inputs: 64, rows: 12, active: 10, gather: true },
    "gathered rows with a norm": {
      dtypes: ["q4_0"],
      outputs: [13],
      inputs: 64,
      rows: 12,
      active: 10,
      gather: true,
      norm: true,
    },
    "x at an odd offset": { dtypes: ["bf16"], outputs: [6], inputs: 33, rows: 9, xOffset: 3 },
    "a gate by gelu whose weights are split differently": {
      dtypes: ["q8_0", "q4_0"],
      outputs: [21, 21],
      inputs: 256,
      rows: 9,
      after: [{ op: "gelu", approximation: "tanh" }],
      finish: "gated",
      limits: { maxBufferSize: 3072, maxStorageBufferBindingSize: 4096 },
    },
  };
  for (const [name, c] of Object.entries(fused)) test(name, () => check(c).then(() => undefined));

  const dotted: Record<string, LinearCase> = {
    "several tiles": { dtypes: ["q4_0"], outputs: [130], inputs: 96, rows: 130, active: 70 },
    "a norm and two weights": {
      dtypes: ["q8_0", "q6_k"],
      outputs: [66, 5],
      inputs: 512,
      rows: 12,
      active: 11,
      norm: true,
      bias: true,
      gather: true,
    },
    "a gate": {
      dtypes: ["q4_k", "q8_0"],
      outputs: [37, 37],
      inputs: 256,
      rows: 11,
      norm: true,
      finish: "gated",
    },
    "a residual": { dtypes: ["q4_1"], outputs: [9], inputs: 64, rows: 10, finish: "residual" },
  };
  for (const [name, c] of Object.entries(dotted)) {
    test(`packed-dot: ${name}, within the rounding of rows to int8`, async () => {
      expect((await check(c, DOT, 1e-4)).at(-1)).toMatch(/packed-dot$/);
    });
  }

  test("f16, within its rounding, where the device has it", async ({ task, skip }) => {
    if (!device().features.has("shader-f16")) {
      task.meta.notRun = "the device lacks shader-f16: run with MILLET_GPU=real on one that has it";
      return skip();
    }
    await check({ dtypes: ["q4_0", "f16"], outputs: [66, 5], inputs: 96, rows: 70, norm: true }, F16, 1e-6);
  });

  test("packed-dot leaves floats to the others", async () => {
    const names = await check({ dtypes: ["f16"], outputs: [6], inputs: 32, rows: 9 }, DOT);
    expect(names).toEqual(["linear_tile.f16.halves"]);
  });
});
