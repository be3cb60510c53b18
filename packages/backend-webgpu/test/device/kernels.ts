/** Small kernels for tests of the device. */
import type { Kernel } from "../../src/program/dispatch.js";

/** y[i] = factor * x[i] + bias, for i < count: `Params` are count, then factor and bias as bits of f32. */
export const SCALE: Kernel = {
  name: "scale",
  access: ["read", "read-write"],
  code: `
struct Params { count: u32, factor: f32, bias: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < params.count) { y[id.x] = params.factor * x[id.x] + params.bias; }
}`,
};

/** A type error in its line 5. */
export const BROKEN: Kernel = {
  name: "broken.f32",
  access: ["read-write"],
  code: `@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let half: f32 = 1u;
  y[0] = half;
}`,
};
