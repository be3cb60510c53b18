/** loadModel with Hugging Face folders: from every kind of place, with their tokenizer, template, ends and defaults. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { type LoadModelOptions, loadModel, reference } from "../../src/index.js";
import { BYTE_SYMBOLS } from "../../src/tokenizer/byte-symbols.js";
import { FragileDevice } from "../model/fragile-backend.js";
import { startServer } from "../store/server.js";
import { filesOf, json, makeFolder } from "./folder.js";

const SPECIAL = ["<|im_start|>", "<|im_end|>"];
const TOKENIZER = {
  version: "1.0",
  added_tokens: SPECIAL.map((content, i) => ({
    id: 256 + i,
    content,
    special: true,
    normalized: false,
    single_word: false,
    lstrip: false,
    rstrip: false,
  })),
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: "BPE",
    vocab: Object.fromEntries([...BYTE_SYMBOLS].map((symbol, id) => [symbol, id])),
    merges: [],
  },
};
const text = (content: string) => new TextEncoder().encode(content);
const folder = (changes: Parameters<typeof makeFolder>[0] = {}) =>
  makeFolder({ "tokenizer.json": json(TOKENIZER), ...changes });

const load = async (files: Record<string, Uint8Array>, options: Partial<LoadModelOptions> = {}) =>
  loadModel(filesOf(files), { backend: reference(), ...options });
const GREEDY = { maxTokens: 6, temperature: 0, ignoreEndOfGeneration: true };
const expected = await (async () => {
  const model = await load(await folder());
  const { tokenIds } = await model.generate("ab", GREEDY).result;
  await model.dispose();
  return tokenIds;
})();

const root = mkdtempSync(join(tmpdir(), "millet-hf-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Old enough to have versions that are known. */
async function writeFolder(name: string): Promise<string> {
  const path = join(root, name);
  mkdirSync(path);
  for (const [file, bytes] of Object.entries(await folder())) {
    writeFileSync(join(path, file), bytes);
    utimesSync(join(path, file), 1e9, 1e9);
  }
  return path;
}

describe("a folder loads from", () => {
  it("a path, its config.json, and its weights", async () => {
    const path = await writeFolder("by-path");
    for (const source of [path, join(path, "config.json"), join(path, "model.safetensors")]) {
      const model = await loadModel(source, { backend: reference() });
      expect((await model.generate("ab", GREEDY).result).tokenIds).toEqual(expected);
      expect(model.info.name).toBe("by-path");
      await model.dispose();
    }
  });

  it("a URL, with few requests", async () => {
    const files = Object.entries(await folder()).map(([name, bytes]) => [`m/${name}`, bytes] as const);
    await using server = await startServer(Object.fromEntries(files));
    const model = await loadModel(`${server.origin}/m/`, { backend: reference(), store: false });
    expect((await model.generate("ab", GREEDY).result).tokenIds).toEqual(expected);
    expect(server.requests.length).toBeLessThan(16);
    await model.dispose();
  });

  it("a list of Files, in any order", async () => {
    const files = Object.entries(await folder()).map(([name, bytes]) => new File([bytes], name));
    const model = await loadModel(files.reverse(), { backend: reference() });
    expect((await model.generate("ab", GREEDY).result).tokenIds).toEqual(expected);
    await model.dispose();
  });
});

it("tells what the weights became", async () => {
  const model = await load(await folder());
  expect(model.info).toMatchObject({ architecture: "llama", vocabularySize: 258 });
  expect(model.info.quantization).toMatch(/^q8_0 99\.\d%, f32 0\.\d%$/);
  expect(model.info.weightBytes / model.info.parameterCount).toBeCloseTo(34 / 32, 1);
  await model.dispose();
  const kept = await load(await folder(), { quantize: "none" });
  expect(kept.info.quantization).toMatch(/^bf16 99/);
  await kept.dispose();
  const wrong = load(await folder(), { quantize: JSON.parse('"q3_k"') });
  await expect(wrong).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: 'Option quantize is one of q8_0, q4_0, none, not "q3_k".',
  });
});

it("every end-of-text token of generation_config.json, or else of config.json, ends an answer", async () => {
  for (const end of expected.slice(0, 2)) {
    const model = await load(await folder({ "generation_config.json": json({ eos_token_id: [257, end] }) }));
    const { tokenIds, finishReason } = await model.generate("ab", { maxTokens: 6, temperature: 0 }).result;
    expect([tokenIds, finishReason]).toEqual([expected.slice(0, expected.indexOf(end)), "stop"]);
    await model.dispose();
  }
  const model = await load(await folder());
  expect(model.tokenizer.endOfGenerationIds).toEqual([257]);
  await model.dispose();
});

it("sampling defaults are the folder's, unless the caller has others", async () => {
  const settings = {
    do_sample: true,
    temperature: 0.7,
    top_k: 20,
    top_p: 0.8,
    repetition_penalty: 1.05,
    min_p: -1,
  };
  const files = await folder({ "generation_config.json": json(settings) });
  const model = await load(files, { generation: { topK: 3 } });
  expect(model.defaults.generation).toEqual({
    temperature: 0.7,
    topP: 0.8,
    repetitionPenalty: 1.05,
    topK: 3,
  });
  await model.dispose();
  const greedy = await load(
    await folder({ "generation_config.json": json({ do_sample: false, temperature: 0.7 }) }),
  );
  expect(greedy.defaults.generation).toEqual({ temperature: 0 });
  await greedy.dispose();
});

describe("the chat template", () => {
  const template = (name: string) => `${name}{% for m in messages %}{{ m.content }}{% endfor %}`;
  const config = (chat_template: unknown) => json({ chat_template });
  it.each<[string, Record<string, Uint8Array<ArrayBuffer>>, string | undefined]>([
    [
      "is chat_template.jinja first of all",
      { "chat_template.jinja": text(template("a")), "tokenizer_config.json": config(template("b")) },
      "a",
    ],
    ["may be in tokenizer_config.json", { "tokenizer_config.json": config(template("b")) }, "b"],
    [
      "may be one of several",
      {
        "tokenizer_config.json": config([
          { name: "tool_use", template: "x" },
          { name: "default", template: template("c") },
        ]),
      },
      "c",
    ],
    ["may be missing", {}, undefined],
  ])("%s", async (_, files, start) => {
    const model = await load(await folder(files));
    expect(model.hasChatTemplate).toBe(start !== undefined);
    if (start !== undefined) {
      const { prompt } = await model.generate([{ role: "user", content: "Hi" }], { maxTokens: 0 }).result;
      expect(prompt.text).toBe(`${start}Hi`);
    }
    await model.dispose();
  });
});

it("a folder without tokenizer.json says so", async () => {
  await expect(load(await folder({ "tokenizer.json": undefined }))).rejects.toMatchObject({
    code: "TOKENIZER_MISSING",
    message: expect.stringContaining("no tokenizer.json"),
  });
  await expect(load(await folder({ "tokenizer.json": text("{") }))).rejects.toMatchObject({
    code: "TOKENIZER_BAD_VOCABULARY",
  });
});

describe("after the loss of its backend", () => {
  const fragile = () =>
    new FragileDevice({ fault: (event, n) => (event === "step" && n === 5 ? "BACKEND_LOST" : undefined) });

  it("a folder is loaded again as it was", async () => {
    for (const quantize of ["q8_0", "none"] as const) {
      const device = fragile();
      const model = await loadModel(await writeFolder(`lost-${quantize}`), { backend: device, quantize });
      const { tokenIds } = await model.generate("ab", GREEDY).result;
      if (quantize === "q8_0") expect(tokenIds).toEqual(expected);
      expect(device.counts.create).toBe(2);
      await model.dispose();
    }
  });

  it.each(["config.json", "model.safetensors", "tokenizer.json"])("another %s is found out", async (name) => {
    const path = await writeFolder(`changed-${name}`);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 60_000); // old enough to have versions
    const model = await loadModel(path, { backend: fragile() });
    vi.restoreAllMocks();
    writeFileSync(join(path, name), `${name === "model.safetensors" ? "x".repeat(100) : "{}"}`);
    const error: unknown = await model.generate("ab", GREEDY).result.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "BACKEND_LOST", cause: { code: "SOURCE_CHANGED" } });
    await model.dispose();
  });
});

it("closes every file it opened", async () => {
  const path = await writeFolder("counted");
  const files = process.getBuiltinModule("node:fs/promises");
  let open = 0;
  const real = files.open;
  vi.spyOn(files, "open").mockImplementation(async (...request) => {
    const handle = await real(...request);
    open++;
    const close = handle.close.bind(handle);
    handle.close = () => {
      open--;
      return close();
    };
    return handle;
  });
  const model = await loadModel(path, { backend: reference() });
  expect(open).toBe(0);
  await model.dispose();
  for (const name of ["tokenizer.json", "model.safetensors", "config.json"]) {
    writeFileSync(join(path, name), "[");
    await expect(loadModel(path, { backend: reference() })).rejects.toMatchObject({ name: "MilletError" });
    expect([name, open]).toEqual([name, 0]);
  }
  vi.restoreAllMocks();
});
