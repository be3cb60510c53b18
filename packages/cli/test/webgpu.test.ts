/** `--backend webgpu` in a process of its own: with a GPU, and where there is none. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith, webgpu } from "../../../test/support/availability.js";
import { runMillet } from "./support/run-millet.js";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

describe("bench", () => {
  let folder: string;
  let model: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "millet-webgpu-"));
    model = join(folder, "model.gguf");
    const made = ["--shape", "tiny", "--dtype", "q4_0", "--out", model];
    execFileSync(process.execPath, [file("../../../scripts/make-random-model.mjs"), ...made]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("bench says what a model's context holds", async () => {
    const { code, stderr } = await runMillet(["bench", model, "--backend", "cpu"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("321 tokens of context, and the model has 256"),
    });
  });

  test.runIf(process.platform === "linux")("says what to do where there is no driver", async () => {
    const { code, stdout, stderr } = await runMillet(
      ["bench", model, "--backend", "webgpu", "--prompt-tokens", "8"],
      {
        env: { VK_ICD_FILENAMES: "/nowhere.json" },
      },
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^millet: BACKEND_UNAVAILABLE: WebGPU finds no GPU .*Vulkan driver: install /m);
  });

  describeWith(webgpu(), "on a GPU", () => {
    test("bench computes there, names the device, and ends", { timeout: 240_000 }, async () => {
      const args = ["bench", model, "--backend", "webgpu", "--prompt-tokens", "8", "--gen-tokens", "4"];
      const { code, stdout, stderr } = await runMillet([...args, "--repeat", "1", "--json"], {
        nodeArgs: ["--import", file("support/software-gpu.mjs")],
      });
      expect(code, stderr).toBe(0);
      const report = JSON.parse(stdout);
      expect(report).toMatchObject({
        backend: "webgpu",
        engine: "webgpu",
        device: expect.stringMatching(/./),
      });
      expect(report.decodeTokensPerSecond).toBeGreaterThan(0);
    });
  });
});
