/** Opening a device: what it tells of itself, how it is lost, and every way in which there may be none. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { describeWith, webgpu } from "../../../../test/support/availability.js";
import { BufferUsage, MAP_READ } from "../../src/device/flags.js";
import { openDevice } from "../../src/device/open-device.js";
import type { UnavailableReason } from "../../src/device/unavailable.js";
import { describeOnDevice } from "../support/device.js";
import { fakeGpu } from "./fake-gpu.js";

const unavailable = (reason: UnavailableReason, message: RegExp, details: object = {}) => ({
  name: "MilletError",
  code: "BACKEND_UNAVAILABLE",
  message: expect.stringMatching(message),
  details: { reason, ...details },
});

describeOnDevice("a device", (device) => {
  test("has all that its adapter has", () => {
    expect(device().description).not.toBe("");
    expect(device().limits.maxStorageBufferBindingSize).toBeGreaterThan(2 ** 27); // more than a device has by default
    expect(device().features.has("subgroups")).toBe(device().gpu.features.has("subgroups"));
  });

  test("says what it lacks", () => {
    const sentences = device().limitations.filter((text) => text.includes('"subgroups"'));
    expect(sentences).toHaveLength(device().features.has("subgroups") ? 0 : 1);
  });
});

describeWith(webgpu(), "opening a device", () => {
  test("settles `lost` when it is destroyed", async () => {
    const device = await openDevice();
    device.destroy();
    expect(await device.lost).toMatchObject({
      code: "BACKEND_LOST",
      message: expect.stringMatching(/is gone: it was destroyed\. Load the model again/),
      details: { reason: "destroyed" },
    });
  });

  test("leaves features out that the app forbids", async () => {
    const device = await openDevice({ withoutFeatures: ["subgroups", "packed-dot", "timestamp-query"] });
    expect([...device.features].filter((feature) => feature !== "shader-f16")).toEqual([]);
    expect(device.gpu.features.has("subgroups")).toBe(false);
    expect(device.limitations).toContainEqual(expect.stringMatching(/app forbids .*"subgroups": sums/));
    device.destroy();
  });

  test("takes a device of the app's and does not destroy it", async () => {
    const own = await openDevice();
    const { gpu } = own;
    const device = await openDevice({ device: gpu });
    expect(device.gpu).toBe(gpu);
    expect(device.key).toBe(own.key);
    device.destroy();
    expect(await Promise.race([gpu.lost, new Promise((resolve) => setTimeout(resolve, 50, "alive"))])).toBe(
      "alive",
    );
    own.destroy();
  });

  test("survives the garbage collector, which ends an entry point that nobody holds", async () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const open = async () => openDevice({ gpu: (await import("webgpu")).create([]) });
    const device = await open();
    const buffer = device.gpu.createBuffer({ size: 16, usage: BufferUsage.MapRead });
    for (let i = 0; i < 10; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await buffer.mapAsync(MAP_READ);
    device.destroy();
  });

  test("stops where it is aborted", async () => {
    const controller = new AbortController();
    const opening = openDevice({}, controller.signal);
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("without a usable GPU", () => {
  test("no adapter", async () => {
    await expect(openDevice({ gpu: fakeGpu({ adapter: null }) })).rejects.toMatchObject(
      unavailable("no-adapter", /finds no GPU .* or use another backend, such as cpu\(\)\.$/),
    );
  });

  test("an entry point that fails", async () => {
    const gpu = fakeGpu({ adapter: new Error("no suitable backends found.") });
    await expect(openDevice({ gpu })).rejects.toMatchObject(
      unavailable("no-adapter", /finds no GPU that it may use \(no suitable backends found\)\./),
    );
  });

  test("a limit too small", async () => {
    const gpu = fakeGpu({ adapter: { limits: { maxComputeInvocationsPerWorkgroup: 128 } } });
    const limit = { limit: "maxComputeInvocationsPerWorkgroup", needed: 256, actual: 128 };
    await expect(openDevice({ gpu })).rejects.toMatchObject(
      unavailable(
        "limit-too-small",
        /acme one allows a maxComputeInvocationsPerWorkgroup of 128, and .* need 256\./,
        limit,
      ),
    );
  });

  test("a feature that the app requires", async () => {
    const { gpu, destroyed } = countingFake();
    await expect(openDevice({ gpu, requiredFeatures: ["shader-f16"] })).rejects.toMatchObject(
      unavailable("feature-missing", /acme one has no "shader-f16", which webgpu/, { feature: "shader-f16" }),
    );
    expect(destroyed()).toBe(1);
  });

  test("an adapter that gives no device", async () => {
    const gpu = fakeGpu({ adapter: { device: new Error("out of devices.") } });
    await expect(openDevice({ gpu })).rejects.toMatchObject(
      unavailable("device-refused", /The GPU acme one gave no device: out of devices\. Close other programs/),
    );
  });

  test("a driver that loses the device later says why", async () => {
    const device = await openDevice({
      gpu: fakeGpu({ adapter: { lost: { reason: "unknown", message: "VK_ERROR_DEVICE_LOST." } } }),
    });
    expect(await device.lost).toMatchObject({
      code: "BACKEND_LOST",
      message: expect.stringMatching(/^The GPU acme one is gone: VK_ERROR_DEVICE_LOST\. Load/),
      details: { reason: "unknown", driverMessage: "VK_ERROR_DEVICE_LOST." },
    });
  });
});

function countingFake(): { gpu: GPU; destroyed: () => number } {
  let count = 0;
  return { gpu: fakeGpu({ adapter: { onDestroy: () => count++ } }), destroyed: () => count };
}
