/**
 * Builds the addon into the package of a platform: `node native/build.ts linux-x64` makes
 * packages/backend-cpu-linux-x64/build/millet-cpu.node if the C++ compiler ($CXX, or the system's) compiles for it, and
 * beside it millet-cpu.json, by which a damaged file is told before it is loaded. Where that cannot be done it says why,
 * and WASM serves; only MILLET_REQUIRE=native makes it a failure, for this machine's own.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build, type Compiler, findCompiler, targetOf } from "./tools/compile.ts";
import { engineUnits, folderUnits, levelsOf, NATIVE } from "./tools/sources.ts";

const LINK: Readonly<Record<string, readonly string[]>> = {
  linux: [
    ...["-shared", "-static-libstdc++", "-static-libgcc"], // so that the addon needs the C library alone
    ...["-Wl,--gc-sections,--exclude-libs,ALL,-z,noexecstack", "-s"],
  ],
  darwin: ["-bundle", "-undefined", "dynamic_lookup", "-Wl,-dead_strip"], // tried on no Mac yet
};

const target = process.argv[2] ?? `${process.platform}-${process.arch}`;
const reason = await buildFor(target);
if (reason !== undefined) {
  console.log(`native engine for ${target} not built: ${reason}; the WASM engine serves`);
  const required = process.env.MILLET_REQUIRE?.split(",").includes("native");
  if (required && target === `${process.platform}-${process.arch}`) process.exitCode = 1;
}

/** @returns why it was not built */
async function buildFor(target: string): Promise<string | undefined> {
  if (process.env.MILLET_NATIVE === "off") return "MILLET_NATIVE=off";
  try {
    const compiler = findCompiler(target);
    if (!compiler)
      return "there is no C++ compiler for it (looked for $CXX, c++, g++, clang++, a cross compiler)";
    const addon = join(NATIVE, `../../backend-cpu-${target}/build/millet-cpu.node`);
    const built = await compile(compiler, addon);
    const sha256 = createHash("sha256").update(readFileSync(addon)).digest("hex");
    const manifest = { compiler: compiler.version, sha256 };
    writeFileSync(addon.replace(/node$/, "json"), `${JSON.stringify(manifest, null, 2)}\n`);
    console.log(`native engine for ${target}: ${built ? `built with ${compiler.version}` : "up to date"}`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function compile(compiler: Compiler, output: string): Promise<boolean> {
  const { include_dir: headers } = createRequire(import.meta.url)("node-api-headers") as {
    include_dir: string;
  };
  const levels = levelsOf(compiler.arch);
  return build({
    compiler,
    folder: join(NATIVE, "build", targetOf(compiler)),
    levels,
    units: [...engineUnits(levels), ...folderUnits("addon", [`-I${headers}`])],
    flags: ["-fvisibility=hidden", "-ffunction-sections", "-fdata-sections"],
    linkFlags: LINK[compiler.platform] ?? ["-shared"],
    output,
  });
}
