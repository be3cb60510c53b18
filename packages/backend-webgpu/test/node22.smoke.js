/** Runs on Node 22 against the built package (npm run smoke:node22): WebGPU is found, or the reason why not. */
import assert from "node:assert/strict";
import { inspectWebgpu } from "@millet/backend-webgpu";

const { package: found, device, error } = await inspectWebgpu();
assert.match(found.version, /^\d/);
if (device) assert.ok(device.limits.maxBufferSize >= 2 ** 28);
else assert.deepEqual([error.code, error.details.reason], ["BACKEND_UNAVAILABLE", "no-adapter"]);
