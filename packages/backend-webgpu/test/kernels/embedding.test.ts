/** embedding: rows of every format, bad ids, rows past the active ones, a table in several pages. */
import { dequantize } from "@millet/core/quant";
import type { DType } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { lowerEmbedding } from "../../src/kernels/embedding/embedding.js";
import { type Matrix, strideOf } from "../../src/lower/matrix.js";
import { GPU_FORMATS } from "../../src/quant/index.js";
import type { PageLimits } from "../../src/weights/plan.js";
import { describeOnDevice } from "../support/device.js";
import { randomWeight, widthsOf } from "../support/linear-case.js";
import { placeWeights, runOnSlots, TestWorkspace } from "../support/run-on-slots.js";

const VOCABULARY = 23;
const GUARD = -777;
const IDS = [22, 0, 23, 5, -1, 6, 3, 1];
const ACTIVE = 7;

describeOnDevice("embedding", (device) => {
  async function check(dtype: DType, columns: number, limits?: PageLimits): Promise<void> {
    const weight = randomWeight(dtype, VOCABULARY, columns, 3, 0.1);
    const placed = await placeWeights(device(), { weight }, limits);
    const stride = strideOf(columns) + 4;
    const y: Matrix = { slot: 0, offset: 1, stride, width: columns, rows: IDS.length, axis: "tokens" };
    const workspace = new TestWorkspace(1);
    const spec = { label: "test", weight: placed.weight("weight"), tokens: 4, scale: 1.5, y };
    const slot = new Float32Array(1 + stride * IDS.length).fill(GUARD);
    const [result] = await runOnSlots(device(), lowerEmbedding(spec, workspace), {
      size: { tokens: ACTIVE, logits: 0, longest: 0 },
      call: IDS.map((id) => id >>> 0),
      slots: [slot],
      workspace,
      weights: placed,
    });
    for (const page of placed.pages) page.destroy();

    const table = dequantize(dtype, weight.data);
    const expected = slot.slice();
    IDS.slice(0, ACTIVE).forEach((id, t) => {
      for (let i = 0; i < columns; i++) {
        expected[1 + t * stride + i] = id in Array(VOCABULARY).fill(0) ? 1.5 * table[id * columns + i]! : 0;
      }
    });
    const worst = result!.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
    expect(worst, `${dtype} ${columns}`).toBeLessThan(1e-7);
  }

  for (const { dtype } of Object.values(GPU_FORMATS)) {
    test(dtype, () => check(dtype, widthsOf(dtype)[1]!));
  }

  test("a table in several pages", () =>
    check("q8_0", 64, { maxBufferSize: 1024, maxStorageBufferBindingSize: 1024 }));
});
