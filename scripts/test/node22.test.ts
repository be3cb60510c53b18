/** The built packages on Node 22, the oldest that they promise to run on. */
import { expect, test } from "vitest";
import { describeWith, type Requirement } from "../../test/support/availability.js";
import { node22 } from "../node22.js";
import { runOn, smokeRuns } from "../smoke-node22.js";

const node = node22();
const needs: Requirement =
  node.path === undefined
    ? {
        kind: "node22",
        path: undefined,
        missing: node.missing,
        how: "run npm ci in scripts/node22, with the network",
      }
    : { kind: "node22", path: node.path };

describeWith(needs, "Node 22", (path) => {
  test("is the one that runs: it does not parse what Node 24 parses", () => {
    expect(
      runOn(path, { args: ["--eval", "process.exit(+process.version.slice(1, 3) - 22)"], cwd: "." }),
    ).toBe(undefined);
    const args = ["--input-type=module", "--eval", "await using x = null;"];
    expect(runOn(path, { args, cwd: "." })).toContain("SyntaxError");
  });

  test.each(smokeRuns())("$name", (run) => {
    expect(runOn(path, run)).toBe(undefined);
  });
});
