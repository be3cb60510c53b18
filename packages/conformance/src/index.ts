/**
 * @millet/conformance: what a backend must do to be one. `testBackend` declares the tests with the runner's own
 * `describe` and `test`; a test gets a context that can skip it, as Vitest's and Node's do.
 */
export type { BuiltCase, OpCase, Outputs } from "./case.js";
export { CASES } from "./cases/index.js";
export { normalisedError } from "./compare.js";
export { OPTIONAL_OPS, type OptionalOp } from "./optional-ops.js";
export { runCase, runOutputs } from "./run-case.js";
export { type TestBackendOptions, type TestContext, testBackend } from "./test-backend.js";
export { WEIGHT_TYPES } from "./weight-types.js";
