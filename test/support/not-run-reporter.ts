/**
 * Ends a test run by saying plainly what did not run and why, then one line "N passed, N failed, N skipped".
 */
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Most tests that are named for one reason. */
const MOST_NAMES = 4;
const NO_REASON = "no reason given: use describeWith of test/support/availability.ts";

export class NotRunReporter implements Reporter {
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void = (text) => process.stdout.write(text)) {
    this.#write = write;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const skipped = tests.filter((test) => test.result().state === "skipped");
    for (const [reason, names] of groupByReason(skipped)) {
      this.#write(`Not run (${names.length}), ${reason}\n${listed(names)}`);
    }
    const failed = tests.filter((test) => test.result().state === "failed").length;
    const broken = modules.filter((module) => module.errors().length > 0).length; // files that did not even load
    const passed = tests.filter((test) => test.result().state === "passed").length;
    this.#write(`\n${passed} passed, ${failed + broken} failed, ${skipped.length} skipped\n`);
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, names.length > MOST_NAMES ? MOST_NAMES - 1 : MOST_NAMES);
  const more = names.length > shown.length ? [`and ${names.length - shown.length} more`] : [];
  return [...shown, ...more].map((line) => `  - ${line}\n`).join("");
}

function groupByReason(tests: readonly TestCase[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const test of tests) {
    const result = test.result();
    const note = result.state === "skipped" ? result.note : undefined;
    const unknown =
      test.module.state() === "failed" ? "since the setup of its file or suite failed" : NO_REASON;
    const reason = test.meta().notRun ?? note ?? unknown;
    groups.set(reason, [...(groups.get(reason) ?? []), `${test.module.relativeModuleId}: ${test.fullName}`]);
  }
  return groups;
}
