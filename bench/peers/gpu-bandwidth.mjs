// The GPU's read bandwidth as WebGPU programs can have it: one kernel that adds up a buffer too large for any cache.
import { create, globals } from "webgpu";

const { GPUBufferUsage } = globals;

const MOST_BYTES = 2 ** 30;
const LEAST_BYTES = 2 ** 26;
const WORKGROUP = 256;
const WORKGROUPS = 8192;
const READS_PER_SUBMISSION = 8;
const ROUNDS = 5;

// Neighbouring invocations read neighbouring vectors; the sum is stored so that no read can be left out.
const SUM = `
@group(0) @binding(0) var<storage> data: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> sums: array<vec4u>;
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  var sum = vec4u();
  for (var i = id.x; i < arrayLength(&data); i += ${WORKGROUP * WORKGROUPS}u) { sum += data[i]; }
  sums[id.x] = sum;
}`;

/** Kept: the package ends the process when its entry point is collected. */
const gpu = create([]);

/** The adapter in words. */
export async function describeGpu() {
  const { info } = await findAdapter();
  return [info.description, info.vendor].find((text) => text !== "") ?? "a GPU without a name";
}

/** Bytes per second, the best of 5 rounds of 8 reads. Throws Error where there is no GPU. */
export async function gpuReadBandwidth() {
  const adapter = await findAdapter();
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const most = Math.min(MOST_BYTES, maxStorageBufferBindingSize, maxBufferSize);
  const requiredLimits = { maxStorageBufferBindingSize: most, maxBufferSize: most };
  const device = await adapter.requestDevice({ requiredLimits });
  try {
    return await bestRound(device, await largeBuffer(device, most));
  } finally {
    device.destroy();
  }
}

/** As much as the device has in one piece, up to `byteLength`. */
async function largeBuffer(device, byteLength) {
  device.pushErrorScope("out-of-memory");
  const size = byteLength & ~15;
  const buffer = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE });
  const error = await device.popErrorScope();
  if (error === null) return buffer;
  if (size < LEAST_BYTES) throw new Error(error.message);
  return largeBuffer(device, size / 2);
}

async function findAdapter() {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new Error("WebGPU finds no GPU.");
  return adapter;
}

async function bestRound(device, data) {
  device.pushErrorScope("validation");
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code: SUM }) },
  });
  const sums = device.createBuffer({ size: WORKGROUP * WORKGROUPS * 16, usage: GPUBufferUsage.STORAGE });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [data, sums].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const read = async () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let i = 0; i < READS_PER_SUBMISSION; i++) pass.dispatchWorkgroups(WORKGROUPS);
    pass.end();
    const start = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return (data.size * READS_PER_SUBMISSION * 1000) / (performance.now() - start);
  };
  await read();
  const error = await device.popErrorScope();
  if (error !== null) throw new Error(error.message);
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) best = Math.max(best, await read());
  return best;
}
