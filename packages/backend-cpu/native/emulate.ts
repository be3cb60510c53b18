/**
 * Runs whole models on processors that are not here, by Node under qemu's user emulation, and compares the bits with this
 * machine's: `node native/emulate.ts [NAME...]`. Needs qemu-user, Debian's cross compiler for arm64 with its libraries, the
 * built packages, and once the network, for the Node of arm64 that the root package pins (kept in .cache/). Slow: about a
 * minute per processor. Not part of the tests; what it cannot run here it names.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { NATIVE } from "./tools/sources.ts";

interface Processor {
  readonly name: string;
  /** qemu and its model of the processor. */
  readonly emulator: readonly string[];
  readonly arch: "arm64" | "x64";
  /** What the backend must say of itself there. */
  readonly expected: RegExp;
}

const ARM = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu"];
const X64 = ["qemu-x86_64", "-cpu"];

const PROCESSORS: readonly Processor[] = [
  { name: "arm64", emulator: [...ARM, "max"], arch: "arm64", expected: /^native neon_dotprod/ },
  {
    name: "arm64-old",
    emulator: [...ARM, "cortex-a72"],
    arch: "arm64",
    expected: /^WASM.* needs neon_dotprod/,
  },
  { name: "x64-avx2", emulator: [...X64, "Haswell"], arch: "x64", expected: /^native avx2/ },
  { name: "x64-old", emulator: [...X64, "Nehalem"], arch: "x64", expected: /^WASM.* needs .*avx2/ },
];

const ROOT = join(NATIVE, "../../..");
const PROGRAM = join(NATIVE, "tools/model-bits.ts");

const wanted = process.argv.slice(2);
const here = run([process.execPath, PROGRAM]);
console.log(`here: ${here.description}`);
for (const processor of PROCESSORS) {
  if (wanted.length > 0 && !wanted.includes(processor.name)) continue;
  const problem = attempt(processor);
  console.log(`${processor.name}: ${problem ?? "the same bits"}`);
  if (problem !== undefined) process.exitCode = 1;
}

/** @returns what went wrong */
function attempt({ emulator, arch, expected }: Processor): string | undefined {
  const [command = ""] = emulator;
  if (spawnSync(command, ["--version"]).error) return `not run: there is no ${command} (Debian: qemu-user)`;
  const node = arch === process.arch ? process.execPath : foreignNode(`node-linux-${arch}`);
  if (typeof node !== "string") return node.problem;
  const began = performance.now();
  const there = run([...emulator, node, PROGRAM]);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`  ${there.description} (${seconds} s)`);
  if (!expected.test(there.description)) return `FAILED, expected ${expected}`;
  return there.bits === here.bits ? undefined : "FAILED, other bits than here";
}

/** Runs the program. Its first line is what the backend says of itself, the others are results. @throws if it fails */
function run([command = "", ...args]: readonly string[]): { description: string; bits: string } {
  const output = execFileSync(command, args, { encoding: "utf8", stdio: "pipe" });
  const [description = "", ...bits] = output.split("\n");
  return { description, bits: bits.join("\n") };
}

/** Node for another architecture, as its npm package holds it. */
function foreignNode(name: string): string | { readonly problem: string } {
  const folder = join(ROOT, ".cache", name);
  const node = join(folder, "package/bin/node");
  if (existsSync(node)) return node;
  const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    optionalDependencies: Record<string, string>;
  };
  mkdirSync(folder, { recursive: true });
  try {
    const pack = ["pack", `${name}@${optionalDependencies[name]}`, "--silent"];
    const file = execFileSync("npm", pack, { cwd: folder, encoding: "utf8" }).trim();
    execFileSync("tar", ["-xzf", file], { cwd: folder });
    rmSync(join(folder, file));
    return node;
  } catch (error) {
    return { problem: `not run: ${name} could not be had: ${String(error)}` };
  }
}
