/** inspectWebgpu in Node: what it finds, and what it says where there is nothing. Each in a process of its own. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { WebgpuReport } from "@millet/backend-webgpu";
import { expect, test } from "vitest";
import { describeWith, webgpu } from "../../../test/support/availability.js";

const SCRIPT = `
  import { inspectWebgpu } from "@millet/backend-webgpu";
  console.log(JSON.stringify(await inspectWebgpu(), (key, value) =>
    value instanceof Error ? { code: value.code, message: value.message, reason: value.details.reason } : value));
`;

/** @param env is set beside the tests' own */
function inspectInProcess(env: NodeJS.ProcessEnv = {}): WebgpuReport {
  const args = ["--input-type=module", "--eval", SCRIPT];
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const options = { cwd, env: { ...process.env, ...env }, encoding: "utf8", stdio: "pipe" } as const;
  return JSON.parse(execFileSync(process.execPath, args, options)) as WebgpuReport;
}

describeWith(webgpu(), "a process with a GPU", () => {
  test("tells of the package and the device, and ends", () => {
    const report = inspectInProcess();
    expect(report.error).toBeUndefined();
    expect(report.package).toMatchObject({
      path: expect.stringContaining("webgpu"),
      version: expect.stringMatching(/^\d/),
    });
    expect(report.device?.limits.maxStorageBufferBindingSize).toBeGreaterThan(2 ** 27);
    expect(Object.keys(report.device?.features ?? {})).toContain("subgroups");
  });
});

test.runIf(process.platform === "linux")("a process without a Vulkan driver tells what to install", () => {
  const report = inspectInProcess({ VK_ICD_FILENAMES: "/nowhere.json" });
  expect(report.package?.version).toMatch(/^\d/);
  expect(report.device).toBeUndefined();
  expect(report.error).toMatchObject({
    code: "BACKEND_UNAVAILABLE",
    reason: "no-adapter",
    message: expect.stringMatching(
      /Vulkan loader libvulkan\.so\.1 and a Vulkan driver: install .*cpu\(\)\.$/,
    ),
  });
});
