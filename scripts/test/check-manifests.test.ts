/** Each rule for manifests and the lock catches its violation; a tree that keeps them all is left alone. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { manifestProblems } from "../check-manifests.js";

const GOOD = {
  name: "@millet/a",
  version: "0.0.0",
  description: "A package",
  license: "Apache-2.0",
  type: "module",
  sideEffects: false,
  engines: { node: ">=22" },
  exports: {
    ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
    "./package.json": "./package.json",
  },
  files: ["dist"],
  dependencies: { "@millet/b": "0.0.0" },
};

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** The problems of a small repository whose files are as given, on top of good ones. */
function problemsOf(manifest: object, files: Record<string, string> = {}): string[] {
  const root = mkdtempSync(join(tmpdir(), "millet-manifests-"));
  made.push(root);
  const all = {
    "package.json": JSON.stringify({ workspaces: ["packages/*"] }),
    "package-lock.json": JSON.stringify({ packages: { "node_modules/x": { version: "1.0.0" } } }, null, 2),
    "packages/a/package.json": JSON.stringify(manifest),
    "packages/a/LICENSE": "Apache License",
    "packages/a/src/index.ts": 'export { b } from "@millet/b";',
    ...files,
  };
  for (const [file, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return manifestProblems(root);
}

test("a good package has no problem", () => {
  expect(problemsOf(GOOD)).toEqual([]);
});

test("a private package need not be fit for publishing", () => {
  const { description: _, exports: __, sideEffects: ___, files: ____, ...rest } = GOOD;
  expect(problemsOf({ ...rest, private: true })).toEqual([]);
});

test.each<[string, object, string]>([
  ["engines", { engines: { node: ">=20" } }, '"engines" must be'],
  ["license", { license: "MIT" }, '"license" must be'],
  ["type", { type: "commonjs" }, '"type" must be'],
  ["description", { description: "" }, 'needs a "description"'],
  ["sideEffects", { sideEffects: true }, '"sideEffects" must be false'],
  ["files", { files: undefined }, 'needs "files"'],
  ["exports", { exports: undefined }, 'needs "exports"'],
  ["no types", { exports: { ".": { default: "./x.js" } } }, 'export "." has no "types"'],
  ["types last", { exports: { ".": { default: "./x.js", types: "./x.d.ts" } } }, 'export "." has no "types"'],
  ["a plain export", { exports: { "./x": "./x.js" } }, 'export "./x" has no "types"'],
  ["repository", { repository: "somewhere" }, 'remove "repository"'],
  ["registry", { publishConfig: { registry: "somewhere" } }, "names a registry"],
  ["install script", { scripts: { postinstall: "node x.js" } }, 'has an install script, "postinstall"'],
  ["prepare", { scripts: { prepare: "node x.js" } }, 'has an install script, "prepare"'],
  ["undeclared import", { dependencies: {} }, "src/index.ts imports @millet/b"],
])("%s", (_name, change, problem) => {
  expect(problemsOf({ ...GOOD, ...change })).toEqual([expect.stringContaining(problem)]);
});

test("a published package without a licence text", () => {
  const files = { "packages/b/package.json": JSON.stringify({ ...GOOD, name: "@millet/b" }) };
  expect(problemsOf(GOOD, files)).toEqual([
    expect.stringContaining("packages/b/package.json: a copy of LICENSE"),
  ]);
});

test("a dynamic import counts, in any of the package's files", () => {
  const files = { "packages/a/bin/a.js": 'await import("@millet/c/sub");' };
  expect(problemsOf(GOOD, files)).toEqual([expect.stringContaining("bin/a.js imports @millet/c,")]);
});

test("a lock with a download address", () => {
  const lock = { packages: { "node_modules/x": { resolved: "https://registry.example/x-1.0.0.tgz" } } };
  const files = { "package-lock.json": JSON.stringify(lock, null, 2) };
  expect(problemsOf(GOOD, files)).toEqual([expect.stringContaining("download addresses")]);
});

test("a lock without another platform's package", () => {
  const lock = { packages: { "node_modules/x": { optionalDependencies: { "x-darwin-arm64": "1.0.0" } } } };
  const files = { "package-lock.json": JSON.stringify(lock, null, 2) };
  expect(problemsOf(GOOD, files)).toEqual([expect.stringContaining("lacks x-darwin-arm64@1.0.0")]);
});

test("a changeset for a package that is not there", () => {
  const files = { ".changeset/x.md": '---\n"@millet/a": minor\n"@millet/gone": minor\n---\n\nText\n' };
  expect(problemsOf(GOOD, files)).toEqual([expect.stringContaining("names @millet/gone")]);
});
