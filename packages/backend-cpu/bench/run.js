/**
 * Runs a benchmark of this folder from source: `npm run bench -- kernels` or `npm run bench -- decode --model FILE`.
 * Build core first (npm run build); the engine's modules are taken from build/.
 */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const name = process.argv[2] ?? "kernels";
const outfile = join(root, `build/bench-${name}.js`);
await mkdir(join(root, "build"), { recursive: true });
await build({
  entryPoints: [join(root, `bench/${name}.ts`)],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node22",
  packages: "external",
  logLevel: "error",
});
await import(pathToFileURL(outfile).href);
