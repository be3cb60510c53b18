/** The entry point of WebGPU that tests in Node take. */
import { wantsSoftwareGpu } from "../../scripts/find-software-gpu.js";

/**
 * SwiftShader unrolls the zeroing of workgroup memory, so that a kernel with 4 KB of it takes seconds to compile. Kernels
 * do not rely on zeros, and real drivers are not asked to leave them out.
 */
const FAST_ON_SOFTWARE = "enable-dawn-features=disable_workgroup_init";

let gpu: Promise<GPU> | undefined;

/** SwiftShader's, or with MILLET_GPU=real the machine's; the same object each time. */
export function testGpu(): Promise<GPU> {
  return (gpu ??= createGpu());
}

async function createGpu(): Promise<GPU> {
  const { create } = await import("webgpu");
  return create(wantsSoftwareGpu() ? [FAST_ON_SOFTWARE] : []);
}
