/**
 * Builds and runs the native engine's conformance: `node native/test.ts [--sanitize address,undefined|thread] [--reduced]
 * [--level NAME]`. A level's name, or "base", builds that one and the base level alone. $CXX may name a cross compiler and
 * $MILLET_EMULATOR what runs its programs (qemu-aarch64 -L ...). MILLET_REQUIRE=native: no compiler is a failure.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, findCompiler, targetOf } from "./tools/compile.ts";
import { engineUnits, folderUnits, levelsOf, NATIVE } from "./tools/sources.ts";

/** Sanitized code is not optimized away, keeps its symbols, and fails on the first report. */
const SANITIZE = ["-O1", "-g1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"];

const { values } = parseArgs({
  options: {
    sanitize: { type: "string" },
    reduced: { type: "boolean", default: false },
    level: { type: "string" },
  },
});
process.exitCode = await test(values);

/** @returns an exit status */
async function test({ sanitize, reduced, level }: typeof values): Promise<number> {
  const compiler = findCompiler();
  if (!compiler) {
    console.log("native tests not run: there is no C++ compiler (looked for $CXX, c++, g++, clang++)");
    return process.env.MILLET_REQUIRE?.split(",").includes("native") ? 1 : 0;
  }
  const levels = levelsOf(compiler.arch, level);
  const name = [targetOf(compiler), "test", ...(sanitize?.split(",") ?? []), ...(level ? [level] : [])].join(
    "-",
  );
  const folder = join(NATIVE, "build", name);
  const output = join(folder, compiler.platform === "win32" ? "conformance.exe" : "conformance");
  const flags = sanitize ? [...SANITIZE, `-fsanitize=${sanitize}`] : [];
  const units = [...engineUnits(levels), ...folderUnits("test", [])];
  await build({ compiler, folder, levels, units, flags, linkFlags: [], output });
  const only = level === "base" ? levels[0]?.name : level;
  const emulator = process.env.MILLET_EMULATOR?.split(" ") ?? [];
  const [command = output, ...args] = [
    ...[...emulator, output, ...(emulator.length > 0 ? ["--emulated"] : [])],
    ...[...(reduced ? ["--reduced"] : []), ...(only ? ["--level", only] : [])],
  ];
  const { status, signal, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error) console.error(`${command} did not start: ${error.message}`);
  if (signal) console.error(`the test program ended with ${signal}`);
  return status ?? 1;
}
