/** Where SwiftShader is looked for, and what a process is told to use it; no driver is loaded. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findSoftwareGpu, softwareGpuEnvironment, wantsSoftwareGpu } from "../find-software-gpu.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millet-gpu-"));
  for (const file of ["chrome", "vk_swiftshader_icd.json"])
    writeFileSync(join(folder, file), "", { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

test("the folder beside the browser counts if it has loader and driver", () => {
  const browser = join(folder, "chrome");
  expect(findSoftwareGpu(browser)).not.toBe(folder);
  writeFileSync(join(folder, "libvulkan.so.1"), "");
  expect(findSoftwareGpu(browser)).toBe(folder);
});

test("a process gets the loader's folder before its own, and that driver alone", () => {
  expect(
    softwareGpuEnvironment("/gpu", { LD_LIBRARY_PATH: "/mine", VK_ICD_FILENAMES: "/other.json" }),
  ).toEqual({
    LD_LIBRARY_PATH: "/gpu:/mine",
    VK_ICD_FILENAMES: "/gpu/vk_swiftshader_icd.json",
  });
  expect(softwareGpuEnvironment("/gpu", {}).LD_LIBRARY_PATH).toBe("/gpu");
});

test("MILLET_GPU=real leaves the choice to the system", () => {
  expect(wantsSoftwareGpu({ MILLET_GPU: "real" })).toBe(false);
  expect(wantsSoftwareGpu({})).toBe(process.platform === "linux");
});
