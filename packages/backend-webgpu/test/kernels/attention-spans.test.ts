/** Spans cut any sequence without gaps; their number and memory stay small. */
import { expect, test } from "vitest";
import { SPANS_WGSL, spanBegin, spanCount } from "../../src/kernels/attention/spans.js";
import { kernelOf } from "../../src/kernels/wgsl.js";
import { describeOnDevice } from "../support/device.js";
import { runKernel } from "../support/run-kernel.js";

const LENGTHS = [0, 1, 63, 64, 65, 2047, 2048, 2049, 2176, 6143, 6144, 6145, 131072];

test.each(LENGTHS)("the last of the spans holds row %i - 1", (length) => {
  const count = spanCount(length);
  if (length > 0) expect(spanBegin(count - 1)).toBeLessThan(length);
  expect(spanBegin(count)).toBeGreaterThanOrEqual(length);
});

test("spans grow with the distance, their number slowly", () => {
  for (let i = 0; i < 200; i++) expect(spanBegin(i + 1) - spanBegin(i)).toBe(64 * 2 ** Math.floor(i / 32));
  expect(spanCount(131072)).toBeLessThan(200);
});

describeOnDevice("WGSL", (device) => {
  test("has the same spans", async () => {
    const bindings = [
      { name: "lengths", element: "u32", access: "read" as const },
      { name: "results", element: "vec2<u32>", access: "read-write" as const },
    ];
    const body = `${SPANS_WGSL}
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
  let count = span_count(lengths[group.x]);
  results[group.x] = vec2<u32>(count, span_begin(count));
}`;
    const run = {
      params: [],
      data: [Uint32Array.from(LENGTHS), new Uint32Array(2 * LENGTHS.length)],
      grid: [LENGTHS.length, 1, 1] as const,
    };
    const [, results] = await runKernel(device(), kernelOf("spans", bindings, body), run);
    const expected = LENGTHS.flatMap((length) => [spanCount(length), spanBegin(spanCount(length))]);
    expect([...new Uint32Array(results!.buffer)]).toEqual(expected);
  });
});
