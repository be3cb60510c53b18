/** The C++ conformance program (native/test/), reduced: every kernel against float64 on every level, 1, 2 and 3 threads. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { nativeEngine, nativeLevels } from "./requirement.js";

const PROGRAM = fileURLToPath(new URL("../../native/test.ts", import.meta.url));

describeWith(nativeEngine(), "native kernels", () => {
  test("conformance", { timeout: 300_000 }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, "--reduced"]);
    for (const level of nativeLevels()) expect(stdout).toContain(`${level}: passed`);
  });
});
