/** The import rules catch what they forbid: a small tree of packages in which each file breaks one rule. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const tree = mkdtempSync(join(root, "scripts/test/tmp-"));
afterAll(() => rmSync(tree, { recursive: true }));

/** File -> its text. Every path of packages that is imported exists. */
const FILES: Record<string, string> = {
  "packages/core/package.json": JSON.stringify({
    name: "@millet/core",
    exports: { ".": "./dist/index.js", "./backend": "./dist/backend/index.js" },
  }),
  "packages/core/dist/index.js": "export {};",
  "packages/core/dist/backend/index.js": "export {};",
  "packages/core/src/errors.ts": "export const e = 1;",
  "packages/core/src/tensor/tensor.ts": 'export { e } from "../errors.js"; export type T = 1;',
  "packages/core/src/ops/index.ts": 'export type { T } from "../tensor/tensor.js";',
  "packages/core/src/index.ts": 'export type { T } from "./ops/index.js";',
  "packages/core/test/help.ts": 'export { e } from "../src/errors.js";',
  "packages/backend-a/package.json": JSON.stringify({
    name: "@millet/backend-a",
    dependencies: { "@millet/core": "1" },
    devDependencies: { dev: "1" },
  }),
  "packages/backend-a/src/index.ts": 'export {} from "@millet/core/backend";',
  "packages/backend-b/package.json": JSON.stringify({ name: "@millet/backend-b" }),
  "packages/backend-b/src/index.ts": "export {};",
};

/** A file that breaks a rule, its text, and the rules it breaks. */
const VIOLATIONS: readonly (readonly [file: string, text: string, rules: readonly string[]])[] = [
  [
    "packages/core/src/tensor/up.ts",
    'import type { T } from "../ops/index.js"; export type U = T;',
    ["core-tensor"],
  ],
  ["packages/core/src/formats/gguf.ts", 'export type { T } from "../ops/index.js";', ["core-formats"]],
  ["packages/core/src/chat/chat.ts", 'export type { T } from "../index.js";', ["core-chat"]],
  ["packages/core/src/misc/help.ts", 'export { x } from "./other.js";', ["core-unknown-layer"]],
  ["packages/core/src/misc/other.ts", "export const x = 1;", []],
  ["packages/core/src/store/file.ts", 'export { readFileSync } from "node:fs";', ["core-runs-anywhere"]],
  ["packages/core/src/store/ok.ts", 'export const fs = () => import("node:fs");', []],
  ["packages/core/src/models/a.ts", 'export type { B } from "./b.js"; export type A = 1;', ["no-cycles"]],
  // a cycle is reported once, from its first file
  ["packages/core/src/models/b.ts", 'import type { A } from "./a.js"; export type B = A;', []],
  ["packages/core/src/lower/test.ts", 'export { e } from "../../test/help.js";', ["src-without-tests"]],
  ["packages/core/src/lower/gone.ts", 'export { e } from "./gone-away.js";', ["resolvable"]],
  [
    "packages/core/src/generate/b.ts",
    'export {} from "../../../backend-b/src/index.js";',
    ["core-knows-no-package", "packages-by-name"],
  ],
  ["packages/backend-a/src/core.ts", 'export {} from "@millet/core";', ["backend-entry-points"]],
  [
    "packages/backend-a/src/path.ts",
    'export {} from "../../core/dist/backend/index.js";',
    ["packages-by-name"],
  ],
  [
    "packages/backend-a/src/b.ts",
    'export {} from "../../backend-b/src/index.js";',
    ["backends-apart", "packages-by-name"],
  ],
  ["packages/backend-a/src/dev.ts", 'export {} from "dev";', ["src-with-declared-dependencies"]],
];

const broken = new Map<string, Set<string>>();

beforeAll(() => {
  const all = { ...FILES, ...Object.fromEntries(VIOLATIONS.map(([file, text]) => [file, text])) };
  for (const [file, text] of Object.entries({ ...all, "node_modules/dev/index.js": "" })) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  }
  writeFileSync(
    join(tree, "node_modules/dev/package.json"),
    JSON.stringify({ name: "dev", main: "index.js" }),
  );
  writeFileSync(join(tree, "package.json"), JSON.stringify({ type: "module" }));
  copyFileSync(join(root, "tsconfig.base.json"), join(tree, "tsconfig.base.json"));
  copyFileSync(join(root, ".dependency-cruiser.js"), join(tree, "rules.js"));
  mkdirSync(join(tree, "node_modules/@millet"));
  symlinkSync("../../packages/core", join(tree, "node_modules/@millet/core"), "junction");
  const cruiser = join(root, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [cruiser, "--config", "rules.js", "--output-type", "json", "packages"],
    { cwd: tree, encoding: "utf8" },
  );
  expect(stderr).toBe("");
  const report = JSON.parse(stdout) as {
    summary: { violations: { from: string; rule: { name: string } }[] };
  };
  for (const { from, rule } of report.summary.violations) {
    broken.set(from, (broken.get(from) ?? new Set()).add(rule.name));
  }
});

test.each(VIOLATIONS)("%s", (file, _text, rules) => {
  expect([...(broken.get(file) ?? [])].sort()).toEqual([...rules].sort());
});

test("files that break no rule are left alone", () => {
  expect(Object.keys(FILES).filter((file) => broken.has(file))).toEqual([]);
});
