/** Packed files beside a model file of its own: kept, used with the same logits, and never used once the file changes. */
import { copyFile, mkdtemp, open, readdir, rm, stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadDecoder } from "../../../../test/support/decoder.js";
import { cpu } from "../../src/index.js";

const FIXTURE = new URL("../../../../fixtures/llama/q4-0.gguf", import.meta.url);
/** After a change, an origin is known again. */
const SETTLED_MS = 2100;
let folder: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millet-packed-"));
  model = join(folder, "model.gguf");
  await copyFile(FIXTURE, model);
  await setTimeout(SETTLED_MS);
});

afterAll(() => rm(folder, { recursive: true }));

async function load(packedFiles: boolean | string = true, file = pathToFileURL(model)) {
  const backend = await cpu({ engine: "wasm", threads: 2, packedFiles }).create();
  const decoder = await loadDecoder(backend, file, 4, 32);
  const logits = await decoder.run([1, 2, 3], 0);
  await backend.dispose();
  return { logits, report: decoder.model.packedFile };
}

test("a model's packed file, from the first load to a change of the model", async () => {
  expect((await load(false)).report).toBeUndefined();
  const first = await load();
  expect(first.report).toEqual({ state: "written", path: `${model}.millet-packed`, problems: [] });
  const second = await load();
  expect(second).toEqual({ logits: first.logits, report: { ...first.report, state: "used" } });

  // Other weights; the size stays, and whoever changed them sets the old time.
  const before = await stat(model);
  const file = await open(model, "r+");
  const end = new Uint8Array(4000);
  await file.read(end, 0, end.length, before.size - end.length);
  await file.write(
    end.map((byte) => byte ^ 1),
    0,
    end.length,
    before.size - end.length,
  );
  await file.close();
  await utimes(model, before.atime, before.mtime);
  const changed = await load();
  expect(changed.report).toMatchObject({
    state: "none",
    problems: [expect.stringContaining("less than two seconds ago")],
  });
  expect(changed.logits).not.toEqual(first.logits);

  await setTimeout(SETTLED_MS);
  const later = await load();
  expect(later.report).toMatchObject({
    state: "written",
    problems: [expect.stringContaining("made from another state of the model")],
  });
  expect(later.logits).toEqual(changed.logits);
  expect(await load()).toMatchObject({ logits: changed.logits, report: { state: "used", problems: [] } });
  expect((await readdir(folder)).sort()).toEqual(["model.gguf", "model.gguf.millet-packed"]);
});

test("weights that are views of fused tensors", async () => {
  const phi3 = join(folder, "phi3.gguf");
  await copyFile(new URL("../../../../fixtures/models/phi3/model.gguf", import.meta.url), phi3);
  await setTimeout(SETTLED_MS);
  const first = await load(true, pathToFileURL(phi3));
  expect(first.report).toMatchObject({ state: "written", problems: [] });
  const second = await load(true, pathToFileURL(phi3));
  expect(second).toEqual({ logits: first.logits, report: { ...first.report, state: "used" } });
  expect((await load(false, pathToFileURL(phi3))).logits).toEqual(first.logits);
});
