/** The device limits that matter here: what kernels may rely on, and what is asked for beyond. */
import { limitTooSmall } from "./unavailable.js";

/** What kernels may rely on without looking: WebGPU's defaults (WebGPU, section 3.6.2). */
const NEEDED = {
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupsPerDimension: 65535,
} as const;

type LimitName = keyof typeof NEEDED;

const LIMITS = Object.keys(NEEDED) as LimitName[];

/** The limits of the table above, with all that the adapter allows. */
export function limitsToRequest(adapter: GPUAdapter): Record<LimitName, number> {
  return limitsOf(adapter.limits);
}

export function limitsOf(limits: GPUSupportedLimits): Record<LimitName, number> {
  return Object.fromEntries(LIMITS.map((name) => [name, limits[name]])) as Record<LimitName, number>;
}

/** @throws MilletError BACKEND_UNAVAILABLE, limit-too-small */
export function checkLimits(limits: GPUSupportedLimits, description: string): void {
  for (const name of LIMITS) {
    if (!(limits[name] >= NEEDED[name])) throw limitTooSmall(name, NEEDED[name], limits[name], description);
  }
}
