/**
 * Compiles assembly/ four times (relaxed or plain SIMD, shared or unshared memory) and writes the modules to build/: as
 * strings in TypeScript files, one per module, so that users' bundlers need no configuration to carry them and pages
 * fetch one; and as files. Depends on nothing but assembly/, so that a change elsewhere does not compile them again.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { main } from "assemblyscript/asc";

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
  "relaxed-shared": await compile(true, true),
  "relaxed-unshared": await compile(true, false),
  "plain-shared": await compile(false, true),
  "plain-unshared": await compile(false, false),
};

const folder = join(root, "build");
await mkdir(folder, { recursive: true });
for (const [name, bytes] of Object.entries(modules)) {
  // Compressed here, because compression of base64 on its way to a page gains much less.
  const text = gzipSync(bytes, { level: 9 }).toString("base64");
  await writeFile(join(folder, `${name}.wasm`), bytes);
  await writeFile(
    join(folder, `${name}.ts`),
    `/** Made by scripts/build-wasm.js. */\nexport const gzippedBase64 =\n  "${text}";\n`,
  );
  console.log(`${name}: ${bytes.byteLength} bytes, ${text.length} as text`);
}
