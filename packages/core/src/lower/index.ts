/** From graphs to what a backend compiles: decomposition, lifetimes, memory plan. */
export { decompose, type Supports } from "./decompose.js";
export { gatherEarly } from "./gather-early.js";
export { type Lifetime, lifetimes } from "./liveness.js";
export { type MemoryPlan, planMemory } from "./plan-memory.js";
