/**
 * Finds the addon: the optional package of this platform, loaded and checked against the Program format and the processor.
 * Never throws: where there is no native engine it says why, for the choice of engines and for `doctor`.
 */
import * as format from "../../assembly/opcodes.js";
import type { NativeAddon } from "./addon.js";
import { programFingerprint } from "./fingerprint.js";

/** Why there is no native engine. */
export type NativeAbsence =
  /** Not Node, or a Node without addons. */
  | "not-node"
  /** No package of this platform is installed, or it holds no binary. */
  | "not-installed"
  /** The binary does not load: another C library, a damaged file. */
  | "load-failed"
  /** The binary was built from other sources than this package. */
  | "format-mismatch"
  /** The processor lacks the instructions. */
  | "unsupported-cpu";

export interface NativeFound {
  readonly available: true;
  readonly addon: NativeAddon;
  /** The file that was loaded. */
  readonly path: string;
  /** The ISA level that will run. */
  readonly level: string;
  /** All levels of the binary, best first, and whether this processor runs them. */
  readonly levels: Readonly<Record<string, boolean>>;
}

export interface NativeMissing {
  readonly available: false;
  readonly reason: NativeAbsence;
  /** A full sentence. */
  readonly message: string;
  readonly cause?: unknown;
}

export type NativeSupport = NativeFound | NativeMissing;

/** @param level an ISA level by name instead of the best one; for tests */
export function findNative(level = "auto"): NativeSupport {
  const node = globalThis.process?.getBuiltinModule?.("node:module");
  if (!node) return missing("not-node", "The native engine runs in Node only.");
  const { platform, arch } = process;
  const name = `@millet/backend-cpu-${platform}-${arch}`;
  const { resolve } = node.createRequire(import.meta.url);
  let path: string;
  try {
    path = resolve(`${name}/millet-cpu.node`);
  } catch (cause) {
    const message = `There is no native engine for ${platform}-${arch}: ${name} is not installed.`;
    return missing("not-installed", message, cause);
  }
  return loadAddon(path, name, level);
}

/**
 * Loads the addon at `path`, if it is the file that was built: a damaged one could end the process.
 * @param name of its package
 */
export function loadAddon(path: string, name: string, level = "auto"): NativeSupport {
  const { createRequire } = process.getBuiltinModule("node:module");
  try {
    const damage = damageOf(path);
    if (damage) return missing("load-failed", `The native engine ${path} ${damage}; install ${name} again.`);
    return checkAddon(createRequire(import.meta.url)(path) as NativeAddon, path, level);
  } catch (cause) {
    const unbuilt = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    if (unbuilt) return missing("not-installed", `${name} holds no binary: it was not built here.`, cause);
    return missing("load-failed", `The native engine ${path} does not load: ${String(cause)}`, cause);
  }
}

/** What is wrong with the bytes of the file, by the digest that native/build.ts left beside it. @throws ENOENT */
function damageOf(path: string): string | undefined {
  const { readFileSync } = process.getBuiltinModule("node:fs");
  const { createHash } = process.getBuiltinModule("node:crypto");
  const addon = readFileSync(path);
  const { sha256 } = JSON.parse(readFileSync(path.replace(/node$/, "json"), "utf8")) as { sha256: string };
  const isWhole = createHash("sha256").update(addon).digest("hex") === sha256;
  return isWhole ? undefined : "is damaged";
}

/** Whether a loaded addon fits this package and this processor. */
export function checkAddon(addon: NativeAddon, path: string, level = "auto"): NativeSupport {
  const { levels, programFormat } = addon;
  if (programFormat !== programFingerprint({ ...format })) {
    return missing(
      "format-mismatch",
      `The native engine ${path} was built from another version; build or install it again.`,
    );
  }
  const names = Object.keys(levels);
  const chosen = level === "auto" ? names.find((name) => levels[name]) : level;
  if (chosen === undefined || !levels[chosen]) {
    const wanted = level === "auto" ? names.join(" or ") : level;
    return missing(
      "unsupported-cpu",
      `This processor does not run the native engine, which needs ${wanted}.`,
    );
  }
  return { available: true, addon, path, level: chosen, levels };
}

function missing(reason: NativeAbsence, message: string, cause?: unknown): NativeMissing {
  return { available: false, reason, message, ...(cause === undefined ? {} : { cause }) };
}
