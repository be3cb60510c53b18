/** `millet inspect --nnapi`: what it prints of an ONNX file, and the exit codes that scripts go by. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runMillet } from "./support/run-millet.js";

const layer = fileURLToPath(new URL("../../../fixtures/onnx/quantized-layer.onnx", import.meta.url));

test("nodes that stay on the CPU: which, why, how to mend it, and exit code 3", async () => {
  const { code, stdout, stderr } = await runMillet(["inspect", "--nnapi", layer]);
  expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
  expect(stdout).toContain("API level 29");
  expect(stdout).toMatch(/On NNAPI +45 of 46 nodes/);
  expect(stdout).toMatch(/Partitions +2, of 18 to 27 nodes/);
  expect(stdout).toContain("1 x GroupQueryAttention on the CPU: known-op");
  expect(stdout).toContain("GroupQueryAttention_mixed: NNAPI has no com.microsoft.GroupQueryAttention.");
  expect(stdout).toMatch(/Mend +\S/);
});

test("operators that may stay there: exit code 0", async () => {
  const allowed = ["--on-cpu", "GroupQueryAttention"];
  const { code, stdout } = await runMillet(["inspect", layer, "--nnapi", ...allowed]);
  expect(code).toBe(0);
  expect(stdout).toContain("GroupQueryAttention on the CPU, as allowed: known-op");
  const old = await runMillet(["inspect", layer, "--nnapi", ...allowed, "--api-level", "28"]);
  expect(old.code).toBe(3);
  expect(old.stdout).toContain("2 x Sqrt on the CPU: api-level");
  expect(old.stdout).toContain("7 x QuantizeLinear on the CPU: api-level");
  expect(old.stdout).toContain("--full shows the others.");
});

test("as JSON: all nodes, partitions and rules", async () => {
  const { code, stdout } = await runMillet(["inspect", layer, "--nnapi", "--json", "--api-level", "35"]);
  expect(code).toBe(3);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    name: "quantized-layer.onnx",
    apiLevel: 35,
    isSuitable: false,
    problems: [],
  });
  expect(report.nodes).toHaveLength(46);
  expect(report.nodes[0]).toEqual({ name: "Mul_a.square", opType: "Mul", domain: "", supported: true });
  expect(report.partitions.flat()).toHaveLength(45);
});

test("what cannot be looked at is a failure, not an answer", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millet-test-"));
  const { code, stderr } = await runMillet(["inspect", "--nnapi", join(folder, "none.onnx")]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^millet: SOURCE_NOT_FOUND: /);
  const broken = join(folder, "broken.onnx");
  await writeFile(broken, (await readFile(layer)).subarray(0, 1000));
  expect((await runMillet(["inspect", "--nnapi", broken])).stderr).toMatch(/^millet: ONNX_MALFORMED: /);
  await rm(folder, { recursive: true });
});

test.each([
  [["--nnapi"], "--nnapi needs the path of an ONNX file."],
  [["model.gguf", "--api-level", "30"], "--api-level and --on-cpu go with --nnapi."],
  [["--nnapi", "x.onnx", "--api-level", "26"], '--api-level takes a number from 27 to 35, not "26".'],
])("%j is a wrong command line", async (args, message) => {
  const { code, stderr } = await runMillet(["inspect", ...args]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
