/**
 * All tests of the repository, by file name: *.test.ts run side by side; then, one file at a time,
 * *.browser.test.ts (which drive a Chromium) and *.timing.test.ts (which measure).
 */
import { defineConfig } from "vitest/config";
import { findBrowser } from "./scripts/find-browser.js";
import { findSoftwareGpu, softwareGpuEnvironment, wantsSoftwareGpu } from "./scripts/find-software-gpu.js";
import { NotRunReporter } from "./test/support/not-run-reporter.js";

const folders = "{packages/*,examples/*,scripts}";
const browser = [`${folders}/test/**/*.browser.test.ts`, "test/*/*.browser.test.ts"];
const timing = `${folders}/test/**/*.timing.test.ts`;

// Here and not in a setup file: a loader reads these when its process starts, and workers inherit them.
const softwareGpu = wantsSoftwareGpu() ? findSoftwareGpu(findBrowser()) : undefined;
if (softwareGpu !== undefined) Object.assign(process.env, softwareGpuEnvironment(softwareGpu));

export default defineConfig({
  test: {
    reporters: ["default", new NotRunReporter()],
    maxWorkers: 2,
    globalSetup: "test/support/cache-folder.ts",
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: [`${folders}/test/**/*.test.ts`],
          exclude: ["**/node_modules/**", ...browser, timing],
          // Only what hangs should meet this: on a busy machine the software GPU takes ten times as long.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: browser,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "timing",
          // On a shared machine another process may take the processor away in the middle of a measurement. A
          // slowness of our own shows every time.
          retry: 3,
          include: [timing],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
