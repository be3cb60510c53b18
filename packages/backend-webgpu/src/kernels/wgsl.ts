/** Pieces of WGSL that all kernels share: declarations of bindings, and bounds of grids. */
import type { Device } from "../device/device.js";
import type { Kernel } from "../program/dispatch.js";

/** Words of a dispatch's `Params` uniform. */
export const PARAM_WORDS = 64;

/** Workgroups that a dispatch may have in one dimension on every device (WebGPU, section 3.6.2). */
export const MOST_WORKGROUPS = 65535;

/** A binding of a kernel after `Params`. */
export interface Binding {
  readonly name: string;
  /** WGSL type of an element: "f32", "vec4<u32>". */
  readonly element: string;
  readonly access: "read" | "read-write";
}

/**
 * A kernel of bindings and a body; the body declares `main` and what it needs.
 * @param extensions of WGSL that it enables: "subgroups", "f16"
 */
export function kernelOf(
  name: string,
  bindings: readonly Binding[],
  body: string,
  extensions: readonly string[] = [],
): Kernel {
  const declarations = bindings.map(({ name: variable, element, access }, i) => {
    const mode = access === "read" ? "read" : "read_write";
    return `@group(0) @binding(${i + 1}) var<storage, ${mode}> ${variable}: array<${element}>;`;
  });
  const code = [
    `// ${name}`,
    ...extensions.map((extension) => `enable ${extension};`),
    `struct Params { words: array<vec4<u32>, ${PARAM_WORDS / 4}> }`,
    "@group(0) @binding(0) var<uniform> params: Params;",
    ...declarations,
    body.trim(),
    "",
  ].join("\n");
  return { name, code, access: bindings.map(({ access }) => access) };
}

/** WGSL for the i-th word of `Params`, as u32. */
export function param(i: number): string {
  return `params.words[${i >> 2}][${i & 3}]`;
}

/** A number as a WGSL f32 literal with all its bits; infinities and NaN have none. */
export function f32Literal(x: number): string {
  const text = String(Math.fround(x));
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`;
}

/** Least limits of a device that kernels rely on. */
export type KernelLimits = Pick<
  Device["limits"],
  "maxComputeInvocationsPerWorkgroup" | "maxComputeWorkgroupStorageSize" | "maxStorageBuffersPerShaderStage"
>;
