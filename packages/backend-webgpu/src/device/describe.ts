/** Names of devices: for people, and as keys of what is remembered of them. */

/** One line: vendor, architecture, driver, as far as the platform tells. */
export function describeAdapter(info: GPUAdapterInfo | undefined): string {
  if (!info) return "unknown GPU";
  const { vendor, architecture, device, description } = info;
  const name = [vendor, architecture || device].filter(Boolean).join(" ");
  return [name, description].filter(Boolean).join(", ") || "unknown GPU";
}

/** Equal for the same device, driver and browser; a new version of any of them may give another. */
export function keyOf(info: GPUAdapterInfo | undefined): string {
  const host = globalThis.navigator?.userAgent ?? "";
  const parts = info ? [info.vendor, info.architecture, info.device, info.description] : [];
  return [...parts, host].join("|");
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i;

/** Whether the processor does the work of a GPU. */
export function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  return (info?.isFallbackAdapter ?? false) || SOFTWARE.test(describeAdapter(info));
}

export const SOFTWARE_LIMITATION =
  "There is no GPU: the processor emulates one, which is far slower than the CPU backend.";
