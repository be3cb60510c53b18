import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type GgufModelFile, openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import model, { model as named } from "@millet/model-smollm2-135m-instruct";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const folder = new URL("..", import.meta.url);

describe("the package", () => {
  it("lists exactly the shards that are there, each below 40 MB, with their checksums", () => {
    expect(named).toBe(model);
    const there = readdirSync(folder).filter((name) => name.endsWith(".gguf"));
    expect(model.files.map(({ name }) => name)).toEqual(there.sort());
    for (const { name, location, byteLength, sha256 } of model.files) {
      expect(fileURLToPath(location)).toBe(fileURLToPath(new URL(name, folder)));
      expect(statSync(location).size).toBe(byteLength);
      expect(byteLength).toBeLessThan(40_000_000);
      expect(createHash("sha256").update(readFileSync(location)).digest("hex")).toBe(sha256);
    }
  });

  it("documents them", () => {
    const readme = readFileSync(new URL("README.md", folder), "utf8");
    for (const { name, byteLength, sha256 } of model.files) {
      expect(readme).toContain(`| ${name} | ${byteLength.toLocaleString("en")} | ${sha256} |`);
    }
  });
});

describe("the model", () => {
  let opened: GgufModelFile;
  beforeAll(async () => {
    opened = await openGguf(await openSource(model));
  });
  afterAll(() => opened.close());

  it("is SmolLM2-135M-Instruct", () => {
    const { metadata } = opened;
    const value = (key: string) => metadata.get(key);
    expect([opened.architecture, opened.shardCount, opened.tensors.size]).toEqual(["llama", 3, 272]);
    expect([value("llama.embedding_length"), value("llama.block_count")]).toEqual([576, 30]);
    expect([value("llama.attention.head_count"), value("llama.attention.head_count_kv")]).toEqual([9, 3]);
    expect([value("llama.feed_forward_length"), value("llama.context_length")]).toEqual([1536, 8192]);
    expect([value("llama.rope.freq_base"), value("tokenizer.ggml.pre")]).toEqual([100000, "smollm"]);
    expect(metadata.info("tokenizer.ggml.tokens")?.length).toBe(49152);
    expect(value("tokenizer.chat_template")).toContain("<|im_start|>");
    const types = [...opened.tensors.values()].map(({ type }) => type.name);
    const count = (name: string) => types.filter((type) => type === name).length;
    expect([count("q4_1"), count("f32"), count("q8_0"), types.length]).toEqual([210, 61, 1, 272]);
  });

  it("has its weights in all shards", async () => {
    const first = new Uint8Array(20);
    const last = [...opened.tensors.keys()].at(-1)!;
    await opened.weights.get(last)!.readInto(0, first);
    expect(first.some((byte) => byte !== 0)).toBe(true);
    expect(opened.tensors.get(last)!.source.name).toBe(model.files[2]!.name);
  });
});
