/** A run with a missing requirement: skipped and said so, or failed where MILLET_REQUIRE asks for it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = mkdtempSync(join(here, "tmp-"));
afterAll(() => rmSync(folder, { recursive: true }));

writeFileSync(
  join(folder, "sample.ts"),
  `import { expect, test } from "vitest";
  import { describeWith } from "../../../test/support/availability.js";
  const telescope = { kind: "telescope", path: undefined, missing: "no telescope", how: "buy one" } as const;
  describeWith(telescope, "sees stars", () => test("one", () => {}));
  describeWith({ kind: "eyes", path: "blue" }, "looks", (path) => test("two", () => expect(path).toBe("blue")));`,
);
writeFileSync(
  join(folder, "vitest.config.ts"),
  `import { NotRunReporter } from "../../../test/support/not-run-reporter.js";
  export default { test: { include: ["sample.ts"], reporters: [new NotRunReporter()] } };`,
);

function run(required: string) {
  const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const { status, stdout } = spawnSync(process.execPath, [vitest, "run", "--root", folder], {
    env: { ...process.env, MILLET_REQUIRE: required },
    encoding: "utf8",
  });
  return { status, stdout };
}

test("names what did not run, why, and how to get it", () => {
  const { status, stdout } = run("");
  expect(stdout).toContain("Not run (1), no telescope: buy one\n  - sample.ts: sees stars\n");
  expect(stdout).toMatch(/^1 passed, 0 failed, 1 skipped$/m);
  expect(status).toBe(0);
});

test("fails where the run requires it", () => {
  const { status, stdout } = run("browser,telescope");
  expect(stdout).toMatch(/^1 passed, 1 failed, 0 skipped$/m);
  expect(status).toBe(1);
});
