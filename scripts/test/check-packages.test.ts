/** The checks of packed packages: a good package passes, publint and are-the-types-wrong each see their fault. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { packageProblems } from "../check-packages.js";
import type { Manifest } from "../workspaces.js";

const folder = mkdtempSync(join(tmpdir(), "millet-package-"));
afterAll(() => rmSync(folder, { recursive: true }));

writeFileSync(join(folder, "index.js"), "export const a = 1;\n");
writeFileSync(join(folder, "index.d.ts"), "export declare const a: number;\n");
writeFileSync(join(folder, "index.d.cts"), "export declare const a: number;\n");

/** The problems of a package with these two files behind its one export. */
function problemsOf(types: string, code: string): Promise<string[]> {
  const manifest: Manifest = {
    name: "@millet/sample",
    version: "1.0.0",
    license: "Apache-2.0",
    type: "module",
    exports: { ".": { types, default: code } },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  return packageProblems([{ folder: "sample", path: folder, manifest }]);
}

test("a good package has no problem", async () => {
  expect(await problemsOf("./index.d.ts", "./index.js")).toEqual([]);
});

test("publint sees a file that is not there", async () => {
  const problems = await problemsOf("./index.d.ts", "./gone.js");
  expect(problems).toContainEqual(expect.stringContaining("./gone.js but the file does not exist"));
});

test("are-the-types-wrong sees types of another module system", async () => {
  const problems = await problemsOf("./index.d.cts", "./index.js");
  expect(problems).toContainEqual(expect.stringMatching(/are-the-types-wrong:.*Masquerading as CJS/s));
});
