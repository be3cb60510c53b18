/** Builds and runs the native kernels' benchmark: `node native/bench.ts [--level avx2] [--threads 2] [--type q4_0] ...`. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build, findCompiler, targetOf } from "./tools/compile.ts";
import { engineUnits, folderUnits, levelsOf, NATIVE, unitOf } from "./tools/sources.ts";

const compiler = findCompiler();
if (!compiler) throw new Error("there is no C++ compiler (looked for $CXX, c++, g++, clang++)");
const folder = join(NATIVE, "build", `${targetOf(compiler)}-bench`);
const output = join(folder, "bench");
const levels = levelsOf(compiler.arch);
const units = [...engineUnits(levels), ...folderUnits("bench", []), unitOf("test/machine.cc")];
await build({ compiler, folder, levels, units, flags: [], linkFlags: [], output });
process.exitCode = spawnSync(output, process.argv.slice(2), { stdio: "inherit" }).status ?? 1;
