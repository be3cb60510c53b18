// What holds every engine to AVX2 without VNNI, the processors that most users have: options of Node, Chromium and
// Millet, and for node-llama-cpp a copy of this folder, made of hard links, that lacks its builds for newer processors.
import { link, mkdir, readdir, readlink, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** An option of V8. */
export const V8_WITHOUT_VNNI = "--no-enable-avx-vnni";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const COPY = join(HERE, "tmp-avx2");
const NEWER_BUILDS =
  /^libggml-cpu-(alderlake|cannonlake|cascadelake|cooperlake|icelake|sapphirerapids|skylakex|zen\d)/;
const OTHER_FOLDERS = new Set(["tmp-avx2", "fixtures", "browser"]);

/** @returns {Promise<string>} the folder of the copy; it is made anew */
export async function linkAvx2Copy() {
  await removeAvx2Copy();
  await linkFolder(HERE, COPY);
  return COPY;
}

export async function removeAvx2Copy() {
  await rm(COPY, { recursive: true, force: true });
}

async function linkFolder(from, to) {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (NEWER_BUILDS.test(entry.name) || (from === HERE && OTHER_FOLDERS.has(entry.name))) continue;
    if (entry.isDirectory()) await linkFolder(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else await link(source, target);
  }
}
