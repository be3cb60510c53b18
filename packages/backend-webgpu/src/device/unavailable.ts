/** Why WebGPU cannot serve here: BACKEND_UNAVAILABLE with `details.reason`, each with what the user can do next. */
import { MilletError } from "@millet/core/errors";
import type { OptionalFeature } from "../options.js";

export type UnavailableReason =
  /** Neither the browser nor an installed package offers WebGPU. */
  | "no-webgpu"
  /** The page is not served in a way that browsers trust. */
  | "insecure-context"
  /** The package `webgpu` is installed but does not load. */
  | "package-failed"
  /** WebGPU is there but has no GPU to offer. */
  | "no-adapter"
  /** The device lacks a feature that the app requires. */
  | "feature-missing"
  /** The device allows less than the kernels need. */
  | "limit-too-small"
  /** The adapter gave no device. */
  | "device-refused";

const OTHERWISE = "use another backend, such as cpu()";

function unavailable(
  reason: UnavailableReason,
  message: string,
  { cause, ...details }: { readonly cause?: unknown; readonly [name: string]: unknown } = {},
): MilletError {
  return new MilletError("BACKEND_UNAVAILABLE", message, {
    ...(cause === undefined ? {} : { cause }),
    details: { reason, ...details },
  });
}

/** @param isNode whether this is Node or a runtime like it */
export function noWebgpu(isNode: boolean): MilletError {
  const message = isNode
    ? 'Node has no WebGPU of its own. Install the package "webgpu" (npm install webgpu), or pass webgpu({ gpu }), ' +
      `or ${OTHERWISE}.`
    : "This browser offers no WebGPU. Update it (Chrome and Edge have WebGPU since 113, Firefox since 141, Safari " +
      "since 26); on Linux it may have to be switched on at chrome://flags/#enable-unsafe-webgpu. " +
      `Or ${OTHERWISE}.`;
  return unavailable("no-webgpu", message);
}

export function insecureContext(): MilletError {
  return unavailable(
    "insecure-context",
    "Browsers offer WebGPU to secure pages only, and this one is not. Serve it over https: or from localhost, " +
      `or ${OTHERWISE}.`,
  );
}

export function packageFailed(path: string, cause: unknown): MilletError {
  return unavailable(
    "package-failed",
    `The package webgpu at ${path} does not load: ${messageOf(cause)}. Install it again for this system ` +
      `(${process.platform}-${process.arch}), or ${OTHERWISE}.`,
    { cause, path },
  );
}

export function noAdapter(isNode: boolean, cause?: unknown): MilletError {
  const why = cause === undefined ? "" : ` (${messageOf(cause)})`;
  const next = isNode ? nodeAdvice(process.platform) : BROWSER_ADVICE;
  return unavailable("no-adapter", `WebGPU finds no GPU that it may use${why}. ${next}, or ${OTHERWISE}.`, {
    cause,
  });
}

const BROWSER_ADVICE =
  "The browser may run without a GPU (headless, in a virtual machine), have hardware acceleration switched off, or " +
  "block the driver: look at chrome://gpu or about:support, switch acceleration on, update the driver";

function nodeAdvice(platform: string): string {
  if (platform !== "linux") return "Update the graphics driver";
  return (
    "On Linux it needs the Vulkan loader libvulkan.so.1 and a Vulkan driver: install the GPU's " +
    "(Debian and Ubuntu: libvulkan1 with mesa-vulkan-drivers, or NVIDIA's driver; in an NVIDIA container set " +
    "NVIDIA_DRIVER_CAPABILITIES=all)"
  );
}

export function featureMissing(feature: OptionalFeature, device: string): MilletError {
  return unavailable(
    "feature-missing",
    `${device} has no "${feature}", which webgpu({ requiredFeatures }) asks for. Leave it out, or ${OTHERWISE}.`,
    { feature },
  );
}

export function limitTooSmall(limit: string, needed: number, actual: number, device: string): MilletError {
  return unavailable(
    "limit-too-small",
    `${device} allows a ${limit} of ${actual}, and the kernels need ${needed}. If the app made the device, request ` +
      `it with a higher limit; else ${OTHERWISE}.`,
    { limit, needed, actual },
  );
}

export function deviceRefused(adapter: string, cause: unknown): MilletError {
  return unavailable(
    "device-refused",
    `The GPU ${adapter} gave no device: ${messageOf(cause)}. Close other programs that use it, update its driver, ` +
      `or ${OTHERWISE}.`,
    { cause },
  );
}

/** Without a full stop, to stand within a sentence. */
export function messageOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.trim().replace(/\.$/, "");
}
