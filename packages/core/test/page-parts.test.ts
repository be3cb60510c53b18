/**
 * What a page that imports loadModel fetches at once: bundled from the sources, so that a part which slips in is named.
 * test/bundlers looks at the published packages in real pages.
 */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { expect, test } from "vitest";

/** Most bytes, gzipped. */
const LIMIT = 66_000;

/** Parts that only some models need; each must be somewhere behind an import(). */
const LATER = [
  "src/chat/template.ts",
  "src/chat/format/syntax.ts",
  "src/formats/huggingface/open.ts",
  "src/formats/safetensors/header.ts",
  "src/store/hub/model.ts",
  "src/store/keep/keeper.ts",
  "src/store/place/open.ts",
  "src/tokenizer/huggingface/index.ts",
  "src/tokenizer/kinds/bpe.ts",
  "src/tokenizer/kinds/spm.ts",
  "src/tokenizer/kinds/unigram.ts",
  "src/tokenizer/kinds/wordpiece.ts",
  "src/tokenizer/regex/matcher.ts",
  "@huggingface/jinja",
];

test("the first script has what every model needs, and nothing else", async () => {
  const { metafile, outputFiles } = await build({
    stdin: {
      contents: 'export { loadModel, createStore } from "./index.js";',
      resolveDir: fileURLToPath(new URL("../src", import.meta.url)),
    },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    outdir: "out",
    metafile: true,
    write: false,
  });
  const first = firstOutputs(metafile);
  const inputsOf = (paths: Iterable<string>) =>
    [...paths].flatMap((path) => Object.keys(metafile.outputs[path]!.inputs));
  const has = (inputs: readonly string[]) =>
    LATER.filter((part) => inputs.some((path) => path.includes(part)));
  expect(has(inputsOf(first))).toEqual([]);
  expect(has(inputsOf(Object.keys(metafile.outputs)))).toEqual(LATER);
  const sizes = outputFiles
    .filter(({ path }) => [...first].some((output) => path.endsWith(output)))
    .map(({ contents }) => gzipSync(contents, { level: 9 }).byteLength);
  expect(sizes).toHaveLength(first.size);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  expect(bytes).toBeGreaterThan(LIMIT / 2); // else the limit says nothing any more
  expect(bytes).toBeLessThan(LIMIT);
});

/** The entry, and what it imports statically. */
function firstOutputs({ outputs }: Metafile): ReadonlySet<string> {
  const entry = Object.keys(outputs).find((path) => outputs[path]!.entryPoint === "<stdin>");
  const found = new Set([entry!]);
  for (const path of found) {
    for (const { path: next, kind } of outputs[path]!.imports)
      if (kind === "import-statement") found.add(next);
  }
  return found;
}
