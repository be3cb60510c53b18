/** The backend passes the conformance suite in Node: with all features of the device, and in plain WGSL. */
import { beforeAll, describe, test } from "vitest";
import { testGpu } from "../../../test/support/gpu.js";
import type { OptionalFeature } from "../src/options.js";
import { conformance, VARIANTS } from "./support/conformance.js";
import { describeOnDevice } from "./support/device.js";
import { trustingWebgpu } from "./support/trusting-webgpu.js";

interface Variant {
  readonly withoutFeatures: readonly OptionalFeature[];
  readonly only?: RegExp;
}

const variants: Readonly<Record<string, Variant>> = {
  "all features": { withoutFeatures: [] },
  "plain WGSL": { withoutFeatures: ["subgroups", "shader-f16", "packed-dot"], only: VARIANTS },
};

for (const [name, { withoutFeatures, only }] of Object.entries(variants)) {
  describeOnDevice(name, (device) => {
    let gpu: GPU;
    beforeAll(async () => {
      gpu = await testGpu();
    });
    conformance(
      () => trustingWebgpu({ device: device().gpu, gpu, withoutFeatures }),
      { describe, test },
      only,
    );
  });
}
