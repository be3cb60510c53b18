/**
 * Compiles assembly/ four times (relaxed or plain SIMD, shared or unshared memory), bundles the worker, and writes both
 * as strings in TypeScript files to build/, so that users' bundlers need no configuration to carry them.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const MAXIMUM_PAGES = "65536";

/** @param {boolean} relaxed @param {boolean} shared @returns {Promise<Uint8Array>} */
async function compile(relaxed, shared) {
  const features = ["simd", ...(relaxed ? ["relaxed-simd"] : []), ...(shared ? ["threads"] : [])];
  const memory = shared ? ["--sharedMemory", "--initialMemory", "1", "--maximumMemory", MAXIMUM_PAGES] : [];
  /** @type {Uint8Array | undefined} */
  let binary;
  const { error, stderr } = await main(
    [
      ...["assembly/index.ts", "--outFile", "engine.wasm", "-O3", "--noAssert", "--runtime", "stub"],
      ...["--importMemory", "--memoryBase", "1024", "--use", "abort="],
      ...features.flatMap((feature) => ["--enable", feature]),
      ...memory,
    ],
    {
      baseDir: root,
      writeFile: (_name, contents) => {
        binary = /** @type {Uint8Array} */ (contents);
      },
    },
  );
  const complaints = stderr.toString();
  if (error || !binary || complaints !== "") throw new Error(`asc: ${complaints}`, { cause: error });
  return binary;
}

const modules = {
  relaxedShared: await compile(true, true),
  relaxedUnshared: await compile(true, false),
  plainShared: await compile(false, true),
  plainUnshared: await compile(false, false),
};
const encoded = Object.entries(modules).map(
  ([name, bytes]) => `  ${name}:\n    "${Buffer.from(bytes).toString("base64")}",\n`,
);
const worker = await build({
  entryPoints: [join(root, "src/engine/wasm/worker.ts")],
  bundle: true,
  write: false,
  format: "iife",
  target: "es2022",
  platform: "neutral",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
});

await mkdir(join(root, "build"), { recursive: true });
await writeFile(
  join(root, "build/modules.ts"),
  `/** Made by scripts/build-assets.js. */\nexport const MODULES = {\n${encoded.join("")}} as const;\n`,
);
await writeFile(
  join(root, "build/worker-source.ts"),
  `/** Made by scripts/build-assets.js. */\nexport const workerSource =\n  ${JSON.stringify(worker.outputFiles[0].text)};\n`,
);
for (const [name, bytes] of Object.entries(modules)) {
  await writeFile(join(root, `build/${name}.wasm`), bytes);
  console.log(`${name}: ${bytes.byteLength} bytes`);
}
