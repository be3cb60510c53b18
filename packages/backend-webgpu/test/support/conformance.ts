/** The conformance suite with what this backend promises: the same in Node, in a page and in a worker. */
import { OPTIONAL_OPS, type TestBackendOptions, testBackend } from "@millet/conformance";
import { type BackendFactory, KV_DTYPES } from "@millet/core/backend";

type Runner = Pick<TestBackendOptions, "describe" | "test">;

/**
 * Declares the tests.
 * @param create a factory on a device that the tests share: opening one for each would compile every kernel anew
 * @param only the tests whose names it matches: compiling for SwiftShader takes its time
 */
export function conformance(create: () => BackendFactory, runner: Runner, only?: RegExp): void {
  testBackend(create, {
    ...(only ? filtered(runner, only) : runner),
    weightTypes: ["f32", "f16", "bf16", "q4_0", "q4_1", "q8_0", "q4_k", "q5_k", "q6_k"],
    kvDTypes: KV_DTYPES,
    optionalOps: OPTIONAL_OPS,
    skip: NOT_PROMISED,
  });
}

const CHUNKS =
  "steps of few rows and prompts run different kernels, which sum in different orders (decision 16)";

/** What this backend does not promise; a test of these that passes fails, so that it leaves the list. */
const NOT_PROMISED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["f32", "f16", "q4_0", "q4_1", "q8_0", "f32, f16 cache", "f32, q8_0 cache"].map((types) => [
      `${types}: any chunk sizes give the same bits`,
      CHUNKS,
    ]),
  ),
};

/** Leaves out other tests, and groups that would be empty. */
function filtered({ describe, test }: Runner, only: RegExp): Runner {
  let group: (() => void)[] | undefined;
  const add = (declare: () => void) => (group ? void group.push(declare) : declare());
  return {
    describe: (name, body) => {
      const outer = group;
      const inner: (() => void)[] = [];
      group = inner;
      body();
      group = outer;
      if (inner.length > 0) add(() => describe(name, () => inner.forEach((declare) => declare())));
    },
    test: (name, body) => {
      if (only.test(name)) add(() => test(name, body));
    },
  };
}

/** A whole decoder of one weight type: where kernels are known to be right, and only their surroundings are new. */
export const DECODER = /^q4_0/;

/** That, and kernels that have variants, with one type of weights and of caches: where other variants serve. */
export const VARIANTS = /^q4_0|^linear q4_0|^attention: (?!.*cache)/;
