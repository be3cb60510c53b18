/** The packages that an app on Android takes, as packed: they need neither React Native nor a runtime, and type strictly. */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installPackages } from "../../test/support/install.js";
import { ROOT } from "../workspaces.js";

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  target: "es2022",
  lib: ["es2023", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
  module: "nodenext",
  types: ["node"],
  typeRoots: [join(ROOT, "node_modules/@types")],
  rootDir: "src",
  outDir: "out",
};
let folder: string;

/** What a program prints; its failure shows all of it. */
function node(...args: string[]): string {
  return execFileSync(process.execPath, args, {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millet-packed-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }));
  installPackages(["@millet/core", "@millet/backend-nnapi"], join(folder, "node_modules"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("they bring little along, and no sources", () => {
  const modules = join(folder, "node_modules");
  expect(readdirSync(modules).sort()).toEqual(["@huggingface", "@millet"]); // jinja, for chat templates
  for (const name of ["src", "test"])
    expect(existsSync(join(modules, "@millet/backend-nnapi", name))).toBe(false);
});

test("an app compiles against their declarations, strictly, and runs", () => {
  mkdirSync(join(folder, "src"));
  const consumer = fileURLToPath(new URL("packed-app/consumer.ts", import.meta.url));
  copyFileSync(consumer, join(folder, "src/app.ts"));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: STRICT, include: ["src"] }));
  node(join(ROOT, "node_modules/typescript/bin/tsc"), "--project", ".");
  const layer = join(ROOT, "fixtures/onnx/quantized-layer.onnx");
  expect(JSON.parse(node("out/app.js", layer))).toMatchObject({ partitions: 2, failure: "SOURCE_NOT_FOUND" });
});
