/** Folders as sources: which file is opened, and that the others are found beside it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type ModelSource, openSource } from "../../src/store/index.js";
import { startServer } from "./server.js";

const root = mkdtempSync(join(tmpdir(), "millet-folder-"));
afterAll(() => rmSync(root, { recursive: true }));

function folder(name: string, ...files: string[]): string {
  const path = join(root, name);
  mkdirSync(path);
  for (const file of files) writeFileSync(join(path, file), file);
  return path;
}

async function nameOf(source: ModelSource): Promise<string> {
  const opened = await openSource(source);
  await opened.close();
  return opened.name;
}

describe("a local folder is opened by", () => {
  it.each<[string, string[], string]>([
    ["its config.json", ["a.txt", "config.json", "model.safetensors"], "config.json"],
    ["its config.json, even if its weights are missing", ["config.json"], "config.json"],
    ["its only GGUF file", ["README.md", "config.json", "m.Q4_0.gguf"], "m.Q4_0.gguf"],
    ["the first shard", ["m-00002-of-00002.gguf", "m-00001-of-00002.gguf"], "m-00001-of-00002.gguf"],
    ["config.json if it has both", ["config.json", "model.safetensors", "m.gguf"], "config.json"],
  ])("%s", async (name, files, expected) => {
    const path = folder(name, ...files);
    expect(await nameOf(path)).toBe(expected);
    const source = await openSource(`${path}/`);
    const sibling = await source.sibling(files[0]!);
    expect(new TextDecoder().decode(await sibling.read(0, sibling.byteLength))).toBe(files[0]);
    await source.close();
    await sibling.close();
  });

  it("and reaches into folders below, no further and not out", async () => {
    const path = folder("below", "config.json", "model.safetensors");
    mkdirSync(join(path, "1_Pooling"));
    writeFileSync(join(path, "1_Pooling", "config.json"), "pooling");
    const source = await openSource(path);
    const below = await source.sibling("1_Pooling/config.json");
    expect(below.byteLength).toBe(7);
    for (const name of [
      "../below/config.json",
      "a/b/c",
      "/etc/hosts",
      "1_Pooling/..",
      "1_Pooling/",
      "a\\b",
      "",
    ]) {
      await expect(source.sibling(name)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    await Promise.all([source.close(), below.close()]);
  });

  it("nothing if there are several models or none", async () => {
    const several = folder("several", "a.gguf", "b.gguf");
    await expect(openSource(several)).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
      message: expect.stringContaining("several models: a.gguf, b.gguf"),
    });
    await expect(openSource(folder("none", "x"))).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  });
});

it("a URL with / at its end is a folder's, and keeps its query", async () => {
  const text = (content: string) => new TextEncoder().encode(content);
  await using server = await startServer({ "m/config.json": text("{}"), "m/model.safetensors": text("w") });
  for (const address of [`${server.origin}/m/`, new URL(`${server.origin}/m/?token=1`)]) {
    const source = await openSource(address);
    expect(source.name).toBe("config.json");
    const weights = await source.sibling("model.safetensors");
    expect(weights.byteLength).toBe(1);
    await Promise.all([source.close(), weights.close()]);
  }
  expect(server.requests.at(-1)!.path).toBe("/m/model.safetensors?token=1");
});

describe("a list of files", () => {
  const file = (path: string) => {
    const made = new File([path], path.slice(path.lastIndexOf("/") + 1));
    return Object.defineProperty(made, "webkitRelativePath", { value: path });
  };

  it("with weights is opened by config.json, that of the folder itself", async () => {
    const files = ["m/1_Pooling/config.json", "m/README.md", "m/config.json", "m/model.safetensors"].map(
      file,
    );
    const source = await openSource(files);
    expect(new TextDecoder().decode(await source.read(0, source.byteLength))).toBe("m/config.json");
    const pooling = await source.sibling("1_Pooling/config.json");
    expect(new TextDecoder().decode(await pooling.read(0, pooling.byteLength))).toBe(
      "m/1_Pooling/config.json",
    );
  });

  it("without is opened by its first", async () => {
    expect(await nameOf(["a.gguf", "config.json"].map(file))).toBe("a.gguf");
    expect(await nameOf({ files: [{ name: "x", location: new Uint8Array(1) }] })).toBe("x");
  });
});
