/** The built command, run as a user runs it: what it prints, where, and its exit codes. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../test/support/availability.js";
import { COMMANDS } from "../src/commands/index.js";
import { runMillet } from "./support/run-millet.js";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const FIXTURE = file("../../../fixtures/llama/q4-0.gguf");

test("the list of commands and their folder agree", () => {
  const files = readdirSync(file("../src/commands")).map((name) => name.replace(/\.ts$/, ""));
  expect(COMMANDS.map(({ name }) => name).sort()).toEqual(files.filter((name) => name !== "index").sort());
});

describe("help and usage", () => {
  test("--help names every command, --version is a version", async () => {
    const { code, stdout, stderr } = await runMillet(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const { name } of COMMANDS) expect(stdout).toContain(`\n  ${name} `);
    expect((await runMillet(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each(COMMANDS.map(({ name }) => name))("%s --help shows its options", async (name) => {
    const { code, stdout } = await runMillet([name, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: millet ${name} `);
    for (const option of Object.keys(COMMANDS.find((command) => command.name === name)!.options))
      expect(stdout).toContain(`--${option}`);
  });

  test.each([
    [[], "Name a command."],
    [["sing"], 'There is no command "sing": chat, '],
    [["chat", "--loud"], "Unknown option '--loud'."],
    [["tokenize"], "<model> is missing."],
    [["generate", "--threads", "none", "-p", "x"], '--threads takes a number from 1 to 1024, not "none".'],
  ])("%j is exit code 2 and one sentence", async (args, message) => {
    const { code, stdout, stderr } = await runMillet(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`millet: INVALID_ARGUMENT: ${message}`);
    expect(stderr).toMatch(/Run "millet .*--help"\.\n$/);
    expect(stderr).not.toContain("    at ");
  });

  test("a Node that is too old is told in one sentence", async () => {
    const old = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.9.0" } })`;
    const nodeArgs = ["--import", `data:text/javascript,${encodeURIComponent(old)}`];
    const { code, stdout, stderr } = await runMillet(["--version"], { nodeArgs });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^millet: UNSUPPORTED_PLATFORM: .*Node 22 or newer.*20\.9\.0.*\n$/);
  });
});

describe("inspect", () => {
  test("a model without a vocabulary, as JSON and as text", async () => {
    const { code, stdout } = await runMillet(["inspect", FIXTURE, "--json"]);
    expect(code).toBe(0);
    expect(stdout.trimEnd()).not.toContain("\n");
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ name: "q4-0.gguf", version: 3, architecture: "llama", shardCount: 1 });
    expect(report.isKnownArchitecture).toBe(true);
    expect(report.types.map(({ type }: { type: string }) => type)).toContain("q4_0");
    expect(report.fit.fits).toBe(true);
    const bytes = report.tensors.reduce(
      (sum: number, { byteLength }: { byteLength: number }) => sum + byteLength,
      0,
    );
    expect(report.fit.weightBytes).toBe(bytes);
    const text = await runMillet(["inspect", FIXTURE, "--tensors"]);
    expect(text.stdout).toContain("token_embd.weight");
    expect(text.stdout).not.toContain("\x1b");
  });

  test("a Hugging Face folder, with types as it is loaded", async () => {
    const folder = file("../../../fixtures/models/qwen2");
    const { code, stdout } = await runMillet(["inspect", folder, "--json"]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      name: "qwen2",
      format: "huggingface",
      modelType: "qwen2",
      architecture: "qwen2",
      metadata: { "qwen2.block_count": 1 },
    });
    const types = (each: { types: { type: string }[] }) => each.types.map(({ type }) => type);
    expect(types(report)).toEqual(["q8_0", "bf16", "f32"]);
    const kept = await runMillet(["inspect", `${folder}/config.json`, "--json", "--quantize", "none"]);
    expect(types(JSON.parse(kept.stdout))).toEqual(["bf16", "f32"]);
    const text = await runMillet(["inspect", folder, "--tensors"]);
    expect(text.stdout).toContain("Hugging Face folder of type qwen2, architecture qwen2");
    expect(text.stdout).toContain("blk.0.attn_q.bias");
  });

  test("what is no model says so, with a code", async () => {
    const { code, stdout, stderr } = await runMillet(["inspect", file("commands.test.ts")]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^millet: GGUF_BAD_MAGIC: .+\n$/);
    const missing = await runMillet(["inspect", "/no/such/model.gguf", "--debug"]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/^millet: SOURCE_NOT_FOUND: /);
    expect(missing.stderr).toContain("    at "); // --debug
  });
});

describeWith(sharedData("tokenizers/ggml-vocab-llama.gguf"), "tokenize with a vocabulary alone", (path) => {
  test("from an argument, a pipe and a file", async () => {
    const byArgument = await runMillet(["tokenize", path, "Hello", "world", "--json"]);
    expect(byArgument).toEqual({ code: 0, stdout: '{"ids":[15043,3186]}\n', stderr: "" });
    const byPipe = await runMillet(["tokenize", path, "--json", "--bos"], { stdin: "Hello world" });
    expect(JSON.parse(byPipe.stdout)).toEqual({ ids: [1, 15043, 3186] });
    const byFile = await runMillet(["tokenize", path, "--file", file("commands.test.ts"), "--json"]);
    expect(JSON.parse(byFile.stdout).ids.length).toBeGreaterThan(1000);
  });

  test("control tokens are text unless --special; pieces are shown", async () => {
    const plain = await runMillet(["tokenize", path, "</s>", "--json"]);
    expect(JSON.parse(plain.stdout).ids).not.toContain(2);
    const special = await runMillet(["tokenize", path, "</s>", "--json", "--special", "--pieces"]);
    expect(JSON.parse(special.stdout)).toEqual({ ids: [2], pieces: ["</s>"] });
    const text = await runMillet(["tokenize", path, "Hello 日"]);
    expect(text.stdout).toBe('15043  " Hello"\n29871  " "\n30325  "日"\n3 tokens\n');
  });

  test("a reader that goes away ends it quietly", async () => {
    const stdin = "word ".repeat(300_000);
    const { code, stderr } = await runMillet(["tokenize", path], {
      stdin,
      onOutput: (child, stdout) => void (stdout === "" || child.stdout?.destroy()),
    });
    expect({ code, stderr }).toEqual({ code: 141, stderr: "" });
  });
});

describeWith(sharedData("models"), "embed with a small model", (folder) => {
  const model = `${folder}/stories260K.gguf`;
  const texts = ["Once upon a time", "there was a dog", "Once upon a time"];

  test("a table of similarities, and vectors as JSON", async () => {
    const { code, stdout, stderr } = await runMillet(["embed", model, ...texts]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const rows = stdout.trimEnd().split("\n").slice(1);
    expect(
      rows.map((row) =>
        row
          .trim()
          .split(/\s{2,}/)
          .at(-1),
      ),
    ).toEqual(texts);
    const table = rows.map((row) => row.trim().split(/\s+/).slice(1, 4).map(Number));
    expect([table[0]![0], table[0]![2], table[1]![1]]).toEqual([1, 1, 1]);
    expect(table[0]![1]).toBe(table[1]![0]);
    expect(table[0]![1]).toBeLessThan(1);

    const piped = await runMillet(["embed", model, "--json", "--pooling", "mean"], {
      stdin: `${texts.join("\n")}\n`,
    });
    const json = JSON.parse(piped.stdout);
    expect(json).toMatchObject({ pooling: "mean", dimensions: 64 });
    expect(json.vectors).toHaveLength(3);
    expect(Math.hypot(...json.vectors[1])).toBeCloseTo(1, 5);
  });

  test("a text that is too long says what to do", async () => {
    const short = ["embed", model, "word ".repeat(100), "--context-length", "64"];
    const { code, stderr } = await runMillet(short);
    expect(code).toBe(1);
    expect(stderr).toContain("CONTEXT_FULL");
    expect((await runMillet([...short, "--truncate", "--json"])).code).toBe(0);
  });
});
