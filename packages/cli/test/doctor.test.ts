/** What `millet doctor` says of WebGPU: with a device, without a driver, without the package. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MilletError } from "@millet/core";
import { describe, expect, test } from "vitest";
import { describeWith, webgpu } from "../../../test/support/availability.js";
import { vulkanDrivers } from "../src/doctor/vulkan.js";
import { webgpuFindings } from "../src/doctor/webgpu.js";
import { runMillet } from "./support/run-millet.js";

const PACKAGE = { path: "/app/node_modules/webgpu/index.js", version: "1.2.3" };
const ERROR = new MilletError("BACKEND_UNAVAILABLE", "No GPU. Get one.");

test("a device comes with its features, its limits and what holds it back", () => {
  const findings = webgpuFindings({
    package: PACKAGE,
    device: {
      description: "acme one, driver 2",
      isSoftware: false,
      features: { subgroups: true, "shader-f16": false, "packed-dot": true, "timestamp-query": true },
      limits: {
        maxBufferSize: 4e9,
        maxStorageBufferBindingSize: 2e9,
        maxComputeInvocationsPerWorkgroup: 1024,
        maxComputeWorkgroupStorageSize: 32768,
      },
      limitations: ["It is slow."],
      choices: ["Kernels were measured."],
    },
    error: undefined,
  });
  expect(findings.map(({ verdict, text }) => `${verdict}: ${text}`)).toEqual([
    "ok: acme one, driver 2",
    "ok: features: subgroups, packed-dot, timestamp-query; not: shader-f16",
    "ok: buffers up to 4.0 GB, of which kernels see up to 2.0 GB at once; workgroups up to 1024 threads with 33 kB",
    "ok: Kernels were measured.",
    "limited: It is slow.",
    `ok: from the package webgpu 1.2.3 at ${PACKAGE.path}`,
  ]);
});

test("no device is no failure, and says what to do", () => {
  const findings = webgpuFindings({ package: undefined, device: undefined, error: ERROR });
  expect(findings).toEqual([
    { area: "Backend webgpu", verdict: "limited", text: "BACKEND_UNAVAILABLE: No GPU. Get one." },
  ]);
});

describe.runIf(process.platform === "linux")("Vulkan drivers", () => {
  test("that the system has", () => {
    const folder = mkdtempSync(join(tmpdir(), "millet-vulkan-"));
    expect(vulkanDrivers({}, [folder])).toBe(`no Vulkan driver is installed: there is no file in ${folder}`);
    writeFileSync(join(folder, "acme_icd.json"), "{}");
    expect(vulkanDrivers({}, [folder, "/nowhere"])).toBe("Vulkan drivers installed: acme_icd");
    rmSync(folder, { recursive: true });
  });

  test("that the environment chooses", () => {
    const env = { VK_ICD_FILENAMES: "/nowhere/acme.json" };
    expect(vulkanDrivers(env)).toBe(
      "VK_ICD_FILENAMES names the only Vulkan drivers: /nowhere/acme.json, of which there is no /nowhere/acme.json",
    );
  });
});

describeWith(webgpu(), "doctor on SwiftShader", () => {
  test("describes the device", async () => {
    const { code, stdout } = await runMillet(["doctor", "--json"]);
    expect(code).toBe(0);
    const { webgpu: device, findings } = JSON.parse(stdout);
    expect(device.features).toHaveProperty("subgroups");
    expect(findings).toContainEqual({ area: "Backend webgpu", verdict: "ok", text: device.description });
  });
});
