/** A packed file that is begun with before the model is planned: used only if it is this model's and sound. */
import { copyFile, mkdtemp, open, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { decoderOf } from "../../../../test/support/decoder.js";
import { cpu } from "../../src/index.js";
import { nativeEngine } from "../native/requirement.js";

const fixture = (name: string) => new URL(`../../../../fixtures/${name}`, import.meta.url);
/** After a change, an origin is known again. */
const SETTLED_MS = 2100;
let folder: string;
let model: string;
let other: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millet-packed-"));
  [model, other] = [join(folder, "model.gguf"), join(folder, "other.gguf")];
  await copyFile(fixture("llama/q4-0.gguf"), model);
  await copyFile(fixture("llama/q8-0.gguf"), other);
  await setTimeout(SETTLED_MS);
});

afterAll(() => rm(folder, { recursive: true }));

/** Loads a model as core does; `between` happens after the backend has heard of the weights. */
async function load(path = model, between: () => Promise<unknown> = async () => {}) {
  const backend = await cpu({ engine: "native", threads: 2, packedFiles: true }).create();
  const file = await openGguf(await openSource(pathToFileURL(path)));
  try {
    await backend.prepare!((await defineModel(file)).weights);
    await between();
    const decoder = await decoderOf(backend, file, 4, 32);
    return { logits: await decoder.run([1, 2, 3], 0), report: decoder.model.packedFile };
  } finally {
    await file.close();
    await backend.dispose();
  }
}

const packed = (path: string) => `${path}.millet-packed`;

async function flip(path: string, position: number): Promise<void> {
  const file = await open(path, "r+");
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, position);
  await file.write(
    byte.map((bits) => bits ^ 1),
    0,
    1,
    position,
  );
  await file.close();
}

describeWith(nativeEngine(), "a packed file that is begun with before there is a plan", () => {
  test("is used as it was begun with, even if it is gone by then", async () => {
    const first = await load();
    expect(first.report).toEqual({ state: "written", path: packed(model), problems: [] });
    const gone = await load(model, () => rename(packed(model), join(folder, "gone")));
    expect(gone).toEqual({ logits: first.logits, report: { ...first.report, state: "used" } });
    await rename(join(folder, "gone"), packed(model));
  });

  test("with a damaged byte is not used, and written anew", async () => {
    const sound = await load();
    await flip(packed(model), (await stat(packed(model))).size - 100);
    const { logits, report } = await load();
    expect(report).toMatchObject({ state: "written", problems: [expect.stringContaining("damaged")] });
    expect(logits).toEqual(sound.logits);
    expect((await load()).report).toMatchObject({ state: "used", problems: [] });
  });

  test("of another model is not used, and written anew", async () => {
    const own = await load(other);
    await copyFile(packed(model), packed(other));
    const { logits, report } = await load(other);
    const problem = "made from another state of the model";
    expect(report).toMatchObject({ state: "written", problems: [expect.stringContaining(problem)] });
    expect(logits).toEqual(own.logits);
  });

  test("may be cut off, or never be wanted", async () => {
    await flip(packed(model), 40);
    expect((await load()).report).toMatchObject({ state: "written" });
    const backend = await cpu({ engine: "native", threads: 2, packedFiles: true }).create();
    const file = await openGguf(await openSource(pathToFileURL(model)));
    const { weights } = await defineModel(file);
    await backend.prepare!(weights);
    await backend.prepare!(weights);
    await file.close();
    await backend.dispose();
  });

  test("is nothing to an engine that shows no files", async () => {
    const backend = await cpu({ engine: "wasm", threads: 2, packedFiles: true }).create();
    const file = await openGguf(await openSource(pathToFileURL(model)));
    await backend.prepare!((await defineModel(file)).weights);
    const decoder = await decoderOf(backend, file, 4, 32);
    expect(decoder.model.packedFile).toMatchObject({ state: "used", problems: [] });
    await file.close();
    await backend.dispose();
  });
});
