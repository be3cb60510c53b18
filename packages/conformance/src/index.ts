/**
 * @millet/conformance: what a backend must do to be one. `testBackend` declares the tests with the runner's own
 * `describe` and `test`, so any runner with these two will do.
 */
export type { BuiltCase, OpCase } from "./case.js";
export { CASES } from "./cases/index.js";
export { normalisedError } from "./compare.js";
export { runCase } from "./run-case.js";
export { type TestBackendOptions, testBackend } from "./test-backend.js";
