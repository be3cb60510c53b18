import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openContainer } from "@millet/core/formats";
import { openSource } from "@millet/core/store";
import { afterAll, expect, it } from "vitest";
import { writeRandomFolder } from "../random-model/folder.ts";
import { writeRandomModel } from "../random-model/model.ts";
import { SHAPES, tensorPlans } from "../random-model/shapes.ts";

const root = mkdtempSync(join(tmpdir(), "millet-random-folder-"));
afterAll(() => rmSync(root, { recursive: true }));

it("a random folder holds the random GGUF file's model in shards", async () => {
  const shape = SHAPES.tiny!;
  const folder = join(root, "tiny");
  await writeRandomFolder(folder, { shape, seed: 3, maxShardBytes: 100_000 });
  const shards = readdirSync(folder).filter((name) => name.endsWith(".safetensors"));
  expect(shards.length).toBeGreaterThan(1);
  const path = join(root, "tiny.gguf");
  await writeRandomModel(path, { shape, type: "bf16", seed: 3 });
  const [a, b] = [
    await openContainer(await openSource(folder), { quantize: "none" }),
    await openContainer(await openSource(path)),
  ];
  expect([...a.weights.keys()].sort()).toEqual(
    tensorPlans(shape)
      .map(({ name }) => name)
      .sort(),
  );
  for (const [name, weight] of b.weights) {
    const own = a.weights.get(name)!;
    expect([name, own.spec]).toEqual([name, weight.spec]);
    const [x, y] = [new Uint8Array(1024), new Uint8Array(1024)].map((bytes) => bytes.subarray(0, 64));
    await own.readInto(0, x!);
    await weight.readInto(0, y!);
    expect([name, x]).toEqual([name, y]);
  }
  await Promise.all([a.close(), b.close()]);
  const { model, added_tokens: added } = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8"));
  expect(Object.keys(model.vocab).length).toBe(shape.vocab);
  expect(added.map(({ id }: { id: number }) => id)).toEqual([0, 1, 2]);
});
