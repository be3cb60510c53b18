/** The commands that compute, with the model that ships and the CPU backend. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { runMillet } from "./support/run-millet.js";

const QUESTION = "What is the capital of France?";
const LONG = ["generate", "-p", "Write a very long story.", "--max-tokens", "2000"];

test("generate answers on standard output and says nothing else", async () => {
  const { code, stdout, stderr } = await runMillet(["generate", "-p", QUESTION, "--temperature", "0"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("Paris");
  expect(stdout.endsWith("\n")).toBe(true);
  expect(stdout).not.toContain("\x1b");
});

test("generate --json is one document; the prompt comes through the template, or --raw as it is", async () => {
  const args = ["generate", "--json", "--seed", "7", "--max-tokens", "4", "--logprobs", "2"];
  const { stdout } = await runMillet(args, { stdin: QUESTION });
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ backend: "cpu", finishReason: "length", sampler: { seed: 7 } });
  expect(result.model).toMatch(/^SmolLM2-135M-Instruct/);
  expect(result.prompt.text).toContain(`user\n${QUESTION}<|im_end|>`);
  expect(result.logprobs).toHaveLength(4);
  expect(result.logprobs[0].top).toHaveLength(2);
  const again = JSON.parse((await runMillet(args, { stdin: QUESTION })).stdout);
  expect(again.tokenIds).toEqual(result.tokenIds);
  const raw = JSON.parse((await runMillet([...args, "--raw", "-p", "Paris is"])).stdout);
  expect(raw.prompt.text).toBe("Paris is");
});

test("chat answers line by line and keeps what it computed", async () => {
  const stdin = `${QUESTION}\nAnd of Italy?\n`;
  const { code, stdout } = await runMillet(["chat", "--json", "--temperature", "0", "--max-tokens", "24"], {
    stdin,
  });
  const answers = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(code).toBe(0);
  expect(answers).toHaveLength(2);
  expect(answers[0].text).toContain("Paris");
  expect(answers[1].reusedTokens).toBeGreaterThan(answers[0].prompt.tokenIds.length);
});

test("Ctrl-C ends it with exit code 130 and keeps what was written", async () => {
  let signalled = false;
  const { code, stdout, stderr } = await runMillet(LONG, {
    onOutput: (child, text) => {
      if (text === "" || signalled) return;
      signalled = true;
      child.kill("SIGINT");
    },
  });
  expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
  expect(stdout.length).toBeGreaterThan(1);
});

test("Ctrl-C while it loads ends it too", async () => {
  let stop = () => {};
  const server = createServer(() => stop()); // never answers: the command is loading for certain
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const finished = await runMillet(["generate", "-p", "Hello", `http://127.0.0.1:${port}/model.gguf`], {
    onOutput: (child) => {
      stop = () => void child.kill("SIGINT");
    },
  });
  server.closeAllConnections();
  server.close();
  expect(finished).toEqual({ code: 130, stdout: "", stderr: "" });
});

test("a reader that goes away ends it with exit code 141", async () => {
  const { code, stderr } = await runMillet(LONG, {
    onOutput: (child, text) => void (text === "" || child.stdout?.destroy()),
  });
  expect({ code, stderr }).toEqual({ code: 141, stderr: "" });
});

test("bench --json prints exactly one line, with exactly these keys", async () => {
  const args = ["bench", "--backend", "cpu", "--engine", "auto", "--threads", "2", "--repeat", "1", "--json"];
  const { code, stdout, stderr } = await runMillet([...args, "--prompt-tokens", "64", "--gen-tokens", "8"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\{[^\n]+\}\n$/);
  const report: Record<string, unknown> = JSON.parse(stdout);
  expect(Object.keys(report)).toEqual([
    "model",
    "backend",
    "engine",
    "device",
    "threads",
    "loadMs",
    "startRssBytes",
    "peakRssBytes",
    "prefillTokensPerSecond",
    "decodeTokensPerSecond",
  ]);
  expect(report).toMatchObject({
    backend: "cpu",
    threads: 2,
    engine: expect.stringMatching(/^(wasm|native)$/),
  });
  expect(report.startRssBytes).toBeGreaterThan(20e6);
  expect(Number(report.peakRssBytes) - Number(report.startRssBytes)).toBeGreaterThan(100e6);
  expect(report.prefillTokensPerSecond).toBeGreaterThan(1);
  expect(report.decodeTokensPerSecond).toBeGreaterThan(1);
  expect(stderr).toContain("run 1 of 1");
});

test("doctor finds that chatting works here", async () => {
  const { code, stdout } = await runMillet(["doctor", "--json"]);
  expect(code).toBe(0);
  const { findings } = JSON.parse(stdout);
  expect(findings.filter(({ verdict }: { verdict: string }) => verdict === "bad")).toEqual([]);
  expect(findings.map(({ area }: { area: string }) => area)).toEqual(
    expect.arrayContaining(["Node", "WebAssembly", "Backend cpu", "Model", "Capacity"]),
  );
});

test("check says beforehand what a model will take and do", async () => {
  const args = ["check", "--threads", "1", "--prompt-tokens", "32", "--gen-tokens", "8"];
  const { code, stdout } = await runMillet([...args, "--json"]);
  expect(code).toBe(0);
  const { name, info, backends } = JSON.parse(stdout);
  expect([name, info.architecture]).toEqual(["SmolLM2-135M-Instruct.Q4_1", "llama"]);
  expect(backends[0]).toMatchObject({ name: "cpu", reason: expect.stringContaining("tokens/s") });
  expect(backends[0].memory.peakBytes).toBeGreaterThan(info.weightBytes);
  expect(backends[0].decodeTokensPerSecond.value).toBeGreaterThan(0);
  const text = await runMillet(args);
  for (const row of ["cpu: ", "Memory ", "Load ", "Prefill ", "Decode "]) expect(text.stdout).toContain(row);
});
