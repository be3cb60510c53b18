/**
 * Splits a GGUF file into shards, as llama.cpp's gguf-split does: tensors unchanged, metadata in the first shard.
 * Use: node scripts/split-gguf.ts FILE --out FOLDER --max-bytes N [--prefix NAME]    (needs built packages)
 * Prints name, size and sha256 of each shard, and the sha256 of the original.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { openGguf, splitGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: "string" }, "max-bytes": { type: "string" }, prefix: { type: "string" } },
});
const [file] = positionals;
const { out: folder, "max-bytes": maxBytes } = values;
if (file === undefined || folder === undefined || !(Number(maxBytes) > 0)) {
  throw new Error("Use: node scripts/split-gguf.ts FILE --out FOLDER --max-bytes N [--prefix NAME]");
}

await mkdir(folder, { recursive: true });
const model = await openGguf(await openSource(file));
const names = await splitGguf(model, {
  prefix: values.prefix ?? basename(file, ".gguf"),
  maxShardBytes: Number(maxBytes),
  create: async (name) => {
    const handle = await open(join(folder, name), "wx");
    return { write: (bytes) => handle.appendFile(bytes), close: () => handle.close() };
  },
});
await model.close();

console.log(`${basename(file)}  ${(await stat(file)).size} bytes  sha256 ${await sha256(file)}`);
for (const name of names) {
  const path = join(folder, name);
  console.log(`${name}  ${(await stat(path)).size} bytes  sha256 ${await sha256(path)}`);
}
