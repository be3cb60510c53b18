/** @millet/backend-cpu: inference on the CPU, in Node and in browsers. Importing it has no side effect. */
export { cpu } from "./cpu.js";
export type { CpuOptions, StepTrace } from "./options.js";
