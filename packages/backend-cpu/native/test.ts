/**
 * Builds and runs the native engine's conformance: `node native/test.ts [--sanitize address,undefined|thread] [--reduced]
 * [--level NAME]`. Other arguments go to the test program. $CXX may name a cross compiler and $MILLET_EMULATOR what runs
 * its programs (qemu-aarch64 -L ...).
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build, findCompiler, targetOf } from "./tools/compile.ts";
import { engineUnits, folderUnits, NATIVE } from "./tools/sources.ts";

/** Sanitized code is not optimized away, keeps its symbols, and fails on the first report. */
const SANITIZE = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"];

const args = process.argv.slice(2);
const at = args.indexOf("--sanitize");
const [, sanitizer] = at < 0 ? [] : args.splice(at, 2);
const compiler = findCompiler();
if (!compiler) {
  console.log("native tests not run: there is no C++ compiler (looked for $CXX, c++, g++, clang++)");
} else {
  const folder = join(
    NATIVE,
    "build",
    `${targetOf(compiler)}-test${sanitizer ? `-${sanitizer.replaceAll(",", "-")}` : ""}`,
  );
  const output = join(folder, "conformance");
  const flags = sanitizer ? [...SANITIZE, `-fsanitize=${sanitizer}`] : [];
  const units = [...engineUnits(compiler.arch), ...folderUnits("test", [])];
  await build({ compiler, folder, units, flags, linkFlags: [], output });
  const [command, ...emulator] = [...(process.env.MILLET_EMULATOR?.split(" ") ?? []), output];
  const { status, signal } = spawnSync(command!, [...emulator, ...args], { stdio: "inherit" });
  if (signal) console.error(`the test program ended with ${signal}`);
  process.exitCode = status ?? 1;
}
