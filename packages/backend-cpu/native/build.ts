/**
 * Builds the addon for the machine that the compiler compiles for, into the package of that platform beside this one:
 * packages/backend-cpu-<platform>-<arch>/build/millet-cpu.node. Without a C++ compiler it says so and does nothing: the
 * WASM engine serves.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build, type Compiler, findCompiler } from "./tools/compile.ts";
import { engineUnits, folderUnits, LEVELS, NATIVE } from "./tools/sources.ts";

const LINK: Readonly<Record<string, readonly string[]>> = {
  // The C++ library goes in, so that the addon needs the C library alone; unused parts of it go out.
  linux: [
    "-shared",
    "-static-libstdc++",
    "-static-libgcc",
    "-Wl,--gc-sections,--exclude-libs,ALL,-z,noexecstack",
    "-s",
  ],
  darwin: ["-bundle", "-undefined", "dynamic_lookup"],
};

function reasonAgainst(compiler: Compiler | undefined): string | undefined {
  if (process.env["MILLET_NATIVE"] === "off") return "MILLET_NATIVE=off";
  if (!compiler) return "there is no C++ compiler (looked for $CXX, c++, g++, clang++)";
  const { platform, arch } = compiler;
  if (!LEVELS[arch]) return `it has no kernels for ${arch}`;
  if (!LINK[platform] || !existsSync(join(packageOf(compiler), "package.json"))) {
    return `there is no package for ${platform}-${arch}`;
  }
  return undefined;
}

function packageOf({ platform, arch }: Compiler): string {
  return join(NATIVE, `../../backend-cpu-${platform}-${arch}`);
}

const compiler = findCompiler();
const reason = reasonAgainst(compiler);
if (!compiler || reason) {
  console.log(`native engine not built: ${reason}; the WASM engine serves`);
} else {
  const { include_dir: headers } = createRequire(import.meta.url)("node-api-headers") as {
    include_dir: string;
  };
  const target = `${compiler.platform}-${compiler.arch}`;
  const { version } = JSON.parse(readFileSync(join(packageOf(compiler), "package.json"), "utf8")) as {
    version: string;
  };
  const output = join(packageOf(compiler), "build/millet-cpu.node");
  const built = await build({
    compiler,
    folder: join(NATIVE, "build", target),
    units: [...engineUnits(compiler.arch), ...folderUnits("addon", [`-I${headers}`])],
    flags: ["-fvisibility=hidden", "-ffunction-sections", "-fdata-sections"],
    linkFlags: LINK[compiler.platform]!,
    output,
  });
  console.log(
    `native engine ${version} for ${target}: ${built ? `built with ${compiler.version}` : "up to date"}`,
  );
}
