/** Opens a WebGPU device with all that its adapter offers of what this package uses; or takes the app's. */
import { MilletError, throwIfAborted } from "@millet/core/errors";
import type { WebgpuOptions } from "../options.js";
import { describeAdapter, isSoftware, keyOf, SOFTWARE_LIMITATION } from "./describe.js";
import type { Device } from "./device.js";
import { checkFeatures, featureLimitations, featuresToRequest, usableFeatures } from "./features.js";
import { findGpu, isNode, navigatorGpu } from "./find-gpu.js";
import { checkLimits, limitsToRequest } from "./limits.js";
import { deviceRefused, messageOf, noAdapter } from "./unavailable.js";

/**
 * Entry points in use. The package `webgpu` ends the process if one is collected before all objects that came from it, so
 * each stays for good.
 */
const kept = new Set<GPU>();

/**
 * @throws MilletError BACKEND_UNAVAILABLE with `details.reason` (unavailable.ts), ABORTED; no device stays open then
 */
export async function openDevice(options: WebgpuOptions = {}, signal?: AbortSignal): Promise<Device> {
  throwIfAborted(signal, "Opening the GPU");
  if (options.device) return wrap(options.device, options.gpu ?? navigatorGpu(), options);
  const gpu = await findGpu(options);
  kept.add(gpu);
  const adapter = await requestAdapter(gpu, options);
  throwIfAborted(signal, "Opening the GPU");
  const device = await requestDevice(adapter, options);
  try {
    throwIfAborted(signal, "Opening the GPU");
    return { ...wrap(device, gpu, options), destroy: () => device.destroy() };
  } catch (error) {
    device.destroy();
    throw error;
  }
}

/** @throws MilletError BACKEND_UNAVAILABLE, no-adapter */
export async function requestAdapter(gpu: GPU, options: WebgpuOptions): Promise<GPUAdapter> {
  const { powerPreference = "high-performance" } = options;
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference });
  } catch (cause) {
    throw noAdapter(isNode(), cause);
  }
  if (!adapter) throw noAdapter(isNode());
  return adapter;
}

async function requestDevice(adapter: GPUAdapter, options: WebgpuOptions): Promise<GPUDevice> {
  const name = describeAdapter(adapter.info);
  checkLimits(adapter.limits, name); // asking for them would fail with less to go by
  try {
    return await adapter.requestDevice({
      label: "millet",
      requiredFeatures: featuresToRequest(adapter, options),
      requiredLimits: limitsToRequest(adapter),
    });
  } catch (cause) {
    throw deviceRefused(name, cause);
  }
}

/** A device of the app's: it is not destroyed. */
function wrap(gpu: GPUDevice, origin: GPU | undefined, options: WebgpuOptions): Device {
  const info = (gpu as Partial<GPUDevice>).adapterInfo; // older browsers lack it
  const description = describeAdapter(info);
  checkLimits(gpu.limits, description);
  const features = usableFeatures(gpu, origin, options);
  checkFeatures(features, options, description);
  const software = isSoftware(info);
  return {
    gpu,
    description,
    key: keyOf(info),
    isSoftware: software,
    features,
    limits: gpu.limits,
    limitations: [...(software ? [SOFTWARE_LIMITATION] : []), ...featureLimitations(features, options)],
    lost: gpu.lost.then((lost) => lostError(lost, description)),
    destroy: () => {},
  };
}

function lostError({ reason, message }: GPUDeviceLostInfo, device: string): MilletError {
  const why =
    reason === "destroyed" ? "it was destroyed" : messageOf(message) || "the driver does not say why";
  return new MilletError(
    "BACKEND_LOST",
    `The GPU ${device} is gone: ${why}. Load the model again; if this happens again, close other programs that use ` +
      "the GPU, update its driver, or take a smaller model or contextLength.",
    { details: { reason, driverMessage: message } },
  );
}
