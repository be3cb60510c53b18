/** linear for many rows: every format and variant on ugly shapes, and every fused step, against float64. */
import { expect, test } from "vitest";
import { tileVariants } from "../../src/kernels/linear/lower.js";
import { lowerLinearTile } from "../../src/kernels/linear/tile.js";
import { GPU_FORMATS } from "../../src/quant/index.js";
import { describeOnDevice } from "../support/device.js";
import { errorOfLinear, type LinearCase, widthsOf } from "../support/linear-case.js";

const FORMATS = Object.values(GPU_FORMATS).map(({ dtype }) => dtype);
const VARIANTS = tileVariants(new Set());
const MOST_ERROR = 1e-10;

describeOnDevice("linear_tile", (device) => {
  const check = async (c: LinearCase, variant = VARIANTS.at(-1)!) => {
    const { error } = await errorOfLinear(device(), c, (spec, workspace) =>
      lowerLinearTile(spec, workspace, variant),
    );
    expect(error, `${variant.name} ${JSON.stringify(c)}`).toBeLessThan(MOST_ERROR);
  };

  for (const dtype of FORMATS) {
    const [least, odd] = widthsOf(dtype);
    VARIANTS.forEach((variant, i) => {
      const shapes = [
        { outputs: [33], inputs: odd!, rows: 9 },
        { outputs: [7], inputs: least!, rows: 65 },
      ];
      if (variant.name === "halves" && !["f16", "q4_0", "q4_k"].includes(dtype)) return;
      test(`${dtype}, ${variant.name}`, () => check({ dtypes: [dtype], ...shapes[i]! }, variant));
    });
  }

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
      finish: "swiglu",
    },
    "a gate of one type": {
      dtypes: ["q4_0", "q4_0"],
      outputs: [45, 45],
      inputs: 64,
      rows: 33,
      active: 2,
      finish: "swiglu",
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
    "a gate whose weights are split differently": {
      dtypes: ["q8_0", "q4_0"],
      outputs: [21, 21],
      inputs: 256,
      rows: 9,
      finish: "swiglu",
      limits: { maxBufferSize: 3072, maxStorageBufferBindingSize: 4096 },
    },
  };
  for (const [name, c] of Object.entries(fused)) test(name, () => check(c));
});
