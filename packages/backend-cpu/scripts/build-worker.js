/** Bundles the worker and writes it to build/: as a string in a TypeScript file, which users' bundlers carry, and as a file. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
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

const folder = join(root, "build");
await mkdir(folder, { recursive: true });
const made = "/** Made by scripts/build-worker.js. */\n";
const source = worker.outputFiles[0].text;
await writeFile(join(folder, "worker.js"), source);
await writeFile(join(folder, "worker.d.ts"), `${made}export {};\n`);
await writeFile(
  join(folder, "worker-source.ts"),
  `${made}export const workerSource =\n  ${JSON.stringify(source)};\n`,
);
