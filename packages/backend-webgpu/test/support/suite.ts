/** Tests that run somewhere else than their runner: collected by name where they run, declared where they are reported. */
import type { TestBackendOptions, TestContext } from "@millet/conformance";

type Runner = Pick<TestBackendOptions, "describe" | "test">;

/** How a test ended, as plain data. */
export type TestOutcome =
  | { readonly state: "passed" }
  | { readonly state: "skipped"; readonly reason: string }
  | { readonly state: "failed"; readonly message: string };

/** The tests that `declare` declares, by their names with those of their groups. @throws Error for equal names */
export function collectTests(declare: (runner: Runner) => void): Map<string, () => Promise<TestOutcome>> {
  const tests = new Map<string, () => Promise<TestOutcome>>();
  declareTests(declare, (name, body) => {
    if (tests.has(name)) throw new Error(`There are two tests "${name}".`);
    tests.set(name, () => outcomeOf(body));
  });
  return tests;
}

type TestBody = (context: TestContext) => Promise<void>;

/** @param group runs the body of a group at once or later */
function declareTests(
  declare: (runner: Runner) => void,
  add: (name: string, body: TestBody, ownName: string) => void,
  group: (name: string, body: () => void) => void = (_, body) => body(),
): void {
  let path: readonly string[] = [];
  declare({
    describe: (name, body) => {
      const inside = [...path, name];
      group(name, () => {
        const outside = path;
        path = inside;
        body();
        path = outside;
      });
    },
    test: (name, body) => add([...path, name].join(" > "), body, name),
  });
}

async function outcomeOf(body: TestBody): Promise<TestOutcome> {
  let reason: string | undefined;
  try {
    await body({
      skip: (why) => {
        reason = why;
      },
    });
    return reason === undefined ? { state: "passed" } : { state: "skipped", reason };
  } catch (error) {
    return {
      state: "failed",
      message: error instanceof Error ? (error.stack ?? String(error)) : String(error),
    };
  }
}

/** What the runner's side needs of Vitest. */
interface Vitest {
  describe(name: string, body: () => void): void;
  test(name: string, body: (context: { skip(reason: string): void }) => Promise<void>): void;
}

/**
 * Declares the same tests with Vitest, each run by its name elsewhere.
 * @param run gives the outcome of a test of `collectTests`
 */
export function declareRemotely(
  { describe, test }: Vitest,
  declare: (runner: Runner) => void,
  run: (name: string) => Promise<TestOutcome>,
): void {
  declareTests(
    declare,
    (fullName, _, name) =>
      test(name, async ({ skip }) => {
        const outcome = await run(fullName);
        if (outcome.state === "skipped") skip(outcome.reason);
        if (outcome.state === "failed") throw new Error(outcome.message);
      }),
    describe,
  );
}
