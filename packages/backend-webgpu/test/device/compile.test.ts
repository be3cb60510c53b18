/** Kernels on a device: compiled once per code, failures that name the kernel and the place, results and errors. */
import { expect, test } from "vitest";
import { bindGroupLayout, compileKernel } from "../../src/device/compile.js";
import { withErrorScopes } from "../../src/device/error-scopes.js";
import { BufferUsage } from "../../src/device/flags.js";
import { openDevice } from "../../src/device/open-device.js";
import { readBuffer } from "../../src/device/read-buffer.js";
import { describeOnDevice } from "../support/device.js";
import { asFloats, floatBits, runKernel } from "../support/run-kernel.js";
import { BROKEN, SCALE } from "./kernels.js";

describeOnDevice("kernels", (device) => {
  test("compute", async () => {
    const x = Float32Array.from({ length: 100 }, (_, i) => i);
    const y = new Float32Array(100).fill(-1);
    const params = [99, ...floatBits(0.5, 3)];
    const [, result] = await runKernel(device(), SCALE, { params, data: [x, y], grid: [2, 1, 1] });
    expect([...asFloats(result!)]).toEqual([...x.map((value, i) => (i < 99 ? 0.5 * value + 3 : -1))]);
  });

  test("are compiled once per code", async () => {
    const first = compileKernel(device(), SCALE);
    expect(compileKernel(device(), { ...SCALE, name: "another" })).toBe(first);
    expect(compileKernel(device(), { ...SCALE, code: `${SCALE.code}\n` })).not.toBe(first);
    expect(bindGroupLayout(device(), ["read"])).toBe(bindGroupLayout(device(), ["read"]));
    await first;
  });

  test("that do not compile say where, each time", async () => {
    for (let i = 0; i < 2; i++) {
      await expect(compileKernel(device(), BROKEN)).rejects.toMatchObject({
        code: "BACKEND_FAILED",
        message: expect.stringMatching(
          /^The kernel broken\.f32 does not compile on .+: line 5, column \d+: .+: "let half: f32 = 1u;"\. .+report/,
        ),
        details: { kernel: "broken.f32", line: 5, sourceLine: "let half: f32 = 1u;" },
      });
    }
  });

  test("whose bindings do not fit their code say so", async () => {
    const kernel = { ...SCALE, access: ["read-write", "read-write"] as const };
    await expect(compileKernel(device(), kernel)).rejects.toMatchObject({
      code: "BACKEND_FAILED",
      message: expect.stringMatching(/^Compiling the kernel scale failed on the GPU: .*binding/is),
    });
  });
});

describeOnDevice("commands", (device) => {
  test("that the device refuses become errors", async () => {
    const running = withErrorScopes(device(), "Making a buffer", () =>
      device().gpu.createBuffer({ size: 2 ** 40, usage: BufferUsage.Storage }),
    );
    await expect(running).rejects.toMatchObject({
      code: "BACKEND_FAILED",
      message: expect.stringMatching(/^Making a buffer failed on the GPU: /),
    });
  });

  test("that fail before they reach the device become errors, and leave no scope open", async () => {
    const running = withErrorScopes(device(), "A step", () => {
      throw new TypeError("no such thing.");
    });
    await expect(running).rejects.toMatchObject({
      code: "BACKEND_FAILED",
      message: expect.stringMatching(/^A step failed on the GPU: no such thing\. This/),
    });
    await expect(device().gpu.popErrorScope()).rejects.toThrow();
  });

  test("bytes come back, whole or in part", async () => {
    const { gpu } = device();
    const usage = BufferUsage.CopySource | BufferUsage.CopyTarget;
    const buffer = gpu.createBuffer({ size: 16, usage });
    gpu.queue.writeBuffer(
      buffer,
      0,
      Uint8Array.from({ length: 16 }, (_, i) => i),
    );
    expect([...(await readBuffer(device(), buffer, 4, 5))]).toEqual([4, 5, 6, 7, 8]);
    expect(await readBuffer(device(), buffer, 16, 0)).toHaveLength(0);
    await expect(readBuffer(device(), buffer, 12, 8)).rejects.toMatchObject({ code: "BACKEND_FAILED" });
    buffer.destroy();
  });

  test("on a lost device fail as BACKEND_LOST", async () => {
    const lost = await openDevice();
    const buffer = lost.gpu.createBuffer({ size: 16, usage: BufferUsage.CopySource });
    lost.destroy();
    await expect(readBuffer(lost, buffer, 0, 16)).rejects.toMatchObject({ code: "BACKEND_LOST" });
  });
});
