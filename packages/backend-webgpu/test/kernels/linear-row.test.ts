/** linear for few rows: every format and variant on ugly shapes, and every fused step, against float64. */
import { expect, test } from "vitest";
import { rowVariants } from "../../src/kernels/linear/lower.js";
import { lowerLinearRow, type RowCut, rowCuts } from "../../src/kernels/linear/row.js";
import { GPU_FORMATS } from "../../src/quant/index.js";
import { describeOnDevice } from "../support/device.js";
import { errorOfLinear, type LinearCase, widthsOf } from "../support/linear-case.js";

const FORMATS = Object.values(GPU_FORMATS).map(({ dtype }) => dtype);
const VARIANTS = rowVariants(new Set(["exact-halves", "subgroups"]));
const MOST_ERROR = 1e-10;

describeOnDevice("linear_row", (device) => {
  const run = (c: LinearCase, variant = VARIANTS.at(-1)!) =>
    errorOfLinear(device(), c, (spec, workspace) => lowerLinearRow(spec, workspace, variant));

  const check = async (c: LinearCase, variant = VARIANTS.at(-1)!) => {
    const { error, dispatches } = await run(c, variant);
    expect(error, `${variant.name} ${JSON.stringify(c)}`).toBeLessThan(MOST_ERROR);
    return dispatches;
  };

  // A kernel takes a software GPU long to compile, so every case counts. "halves" is "plain" but for one function.
  for (const dtype of FORMATS) {
    const [least, odd, other] = widthsOf(dtype);
    VARIANTS.forEach((variant, i) => {
      if (variant.name === "halves" && !["f16", "q4_0", "q4_k"].includes(dtype)) return;
      test(`${dtype}, ${variant.name}`, async () => {
        const shapes = [
          { outputs: [7], inputs: odd!, rows: 1 },
          { outputs: [1], inputs: least!, rows: 1 },
          { outputs: [33], inputs: other ?? odd!, rows: 1 },
        ];
        await check({ dtypes: [dtype], ...shapes[i]! }, variant);
      });
    });
  }

  const fused: Record<string, LinearCase> = {
    "3 rows": { dtypes: ["q4_0"], outputs: [33], inputs: 96, rows: 3 },
    "8 rows with a norm, 5 of them active": {
      dtypes: ["q8_0"],
      outputs: [9],
      inputs: 96,
      rows: 8,
      active: 5,
      norm: true,
    },
    "many rows in blocks of 8": { dtypes: ["q4_0"], outputs: [5], inputs: 64, rows: 19, active: 17 },
    "a norm and three weights of different types": {
      dtypes: ["q4_0", "q6_k", "f16"],
      outputs: [12, 5, 7],
      inputs: 256,
      rows: 1,
      norm: true,
      bias: true,
    },
    "a gate with a norm, of two types": {
      dtypes: ["q4_k", "q8_0"],
      outputs: [11, 11],
      inputs: 256,
      rows: 2,
      norm: true,
      finish: "gated",
    },
    "a residual after a cap and a factor": {
      dtypes: ["q4_1"],
      outputs: [9],
      inputs: 64,
      rows: 2,
      bias: true,
      after: [
        { op: "soft_cap", cap: 3 },
        { op: "scale", factor: -0.5 },
      ],
      finish: "residual",
    },
    "a residual in place": {
      dtypes: ["f32"],
      outputs: [9],
      inputs: 30,
      rows: 2,
      norm: true,
      finish: "residual",
      inPlace: true,
    },
    "gathered rows": {
      dtypes: ["q4_0"],
      outputs: [13],
      inputs: 64,
      rows: 3,
      active: 2,
      gather: true,
      norm: true,
    },
    "a wide team": { dtypes: ["q4_0"], outputs: [5], inputs: 4096, rows: 1, norm: true },
    "more workgroups than fit side by side": { dtypes: ["f32"], outputs: [600_000], inputs: 1, rows: 1 },
    "x at an odd offset": { dtypes: ["bf16"], outputs: [6], inputs: 33, rows: 2, xOffset: 3 },
    "weights in several pages": {
      dtypes: ["q8_0", "q4_0"],
      outputs: [21, 9],
      inputs: 256,
      rows: 1,
      bias: true,
      limits: { maxBufferSize: 3072, maxStorageBufferBindingSize: 4096 },
    },
    "a gate whose weights are split differently": {
      dtypes: ["q8_0", "q4_0"],
      outputs: [21, 21],
      inputs: 256,
      rows: 1,
      finish: "gated",
      limits: { maxBufferSize: 3072, maxStorageBufferBindingSize: 4096 },
    },
  };
  for (const [name, c] of Object.entries(fused)) test(name, () => check(c).then(() => undefined));

  test("a wide team, plain", async () => {
    await check({ dtypes: ["q4_0"], outputs: [5], inputs: 4096, rows: 2 }, VARIANTS[0]);
  });

  const cutCases: Record<string, LinearCase> = {
    "a norm": { dtypes: ["q4_0"], outputs: [9], inputs: 1024, rows: 1, norm: true },
    "a gate": { dtypes: ["q4_0", "q4_0"], outputs: [13, 13], inputs: 512, rows: 2, finish: "gated" },
  };
  test.each(Object.entries(cutCases))("every way to cut the work: %s", async (_, c) => {
    const cuts = new Set<string>();
    for (let i = 0; ; i++) {
      let cut: RowCut | undefined;
      const { error } = await errorOfLinear(device(), c, (spec, workspace) => {
        cut = rowCuts(spec)[i];
        return lowerLinearRow(spec, workspace, VARIANTS.at(-1)!, cut);
      });
      if (!cut) break;
      cuts.add(`${cut.lanes}x${cut.groups}`);
      expect(error, `${cut.lanes} lanes, ${cut.groups} groups`).toBeLessThan(MOST_ERROR);
    }
    expect(cuts.size).toBeGreaterThan(1);
  });

  test("serves all weights of a spec with one dispatch, each byte once", async () => {
    const dispatches = await check({
      dtypes: ["q4_0", "q4_0", "q8_0"],
      outputs: [8, 4, 4],
      inputs: 64,
      rows: 1,
    });
    expect(dispatches.map(({ weightBytes }) => weightBytes)).toEqual([12 * 36 + 4 * 68]);
  });

  test("scales below the least normal f16 count", async () => {
    await check({ dtypes: ["q6_k"], outputs: [4], inputs: 256, rows: 1, magnitude: 1e-3 }, VARIANTS[0]);
  });
});
