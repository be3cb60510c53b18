/** Loaded before the command: WebGPU as test/support/gpu.ts has it, where kernels compile quickly on SwiftShader. */
import { create } from "webgpu";

const toggles = process.env.MILLET_GPU === "real" ? [] : ["enable-dawn-features=disable_workgroup_init"];
Object.defineProperty(navigator, "gpu", { value: create(toggles) });
