/** A call that fails while it is encoded leaves nothing behind that could fail the next one. */
import { CASES } from "@millet/conformance";
import type { HostTensor } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { webgpu } from "../src/index.js";
import { describeOnDevice } from "./support/device.js";

/** The same input without rows, or with lengths of 0. */
function emptied(tensor: HostTensor, isByTokens: boolean): HostTensor {
  const { dtype, shape } = tensor.spec;
  if (!isByTokens) return { spec: tensor.spec, data: new Uint8Array(tensor.data.byteLength) };
  return { spec: { dtype, shape: [0, ...shape.slice(1)] }, data: new Uint8Array(0) };
}

describeOnDevice("a call on a KV cache without rows", (device) => {
  test("fails by itself, and the next call is fine", async () => {
    const built = CASES.attention[0]!.create();
    const backend = await webgpu({ device: device().gpu }).create();
    const model = await backend.load({ case: built.graph }, built.weights, built.kv!);
    const { case: step } = model.executables;
    const inputs = built.calls[0]!;
    const none = Object.fromEntries(
      Object.entries(built.graph.inputs).map(([name, { rowAxis }]) => [
        name,
        emptied(inputs[name]!, rowAxis === "tokens"),
      ]),
    );
    const failed = step!.run({ inputs: none, state: model.createState() }).out!;
    await expect(failed.read()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const state = model.createState();
    await state.reserve(built.kv!.maxBlocks);
    const { data } = await step!.run({ inputs, state }).out!.read();
    expect(data.some((byte) => byte !== 0)).toBe(true);
    await backend.dispose();
  });
});
