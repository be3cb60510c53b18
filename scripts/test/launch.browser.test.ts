/** The browser that the tests found starts and runs what the engine needs: WebAssembly SIMD in a worker. */
import { expect, test } from "vitest";
import { browser, describeWith } from "../../test/support/availability.js";
import { launchBrowser } from "../../test/support/browser.js";

// (module (func (result v128) i32.const 0 i8x16.splat))
const SIMD_MODULE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
];

describeWith(browser(), "the browser", (executable) => {
  test("validates a SIMD module in a worker", async () => {
    const chromium = await launchBrowser(executable);
    try {
      const page = await chromium.newPage();
      const valid = await page.evaluate((bytes) => {
        const program = `postMessage(WebAssembly.validate(new Uint8Array(${JSON.stringify(bytes)})))`;
        const worker = new Worker(URL.createObjectURL(new Blob([program])));
        return new Promise((resolve, reject) => {
          worker.onmessage = (event) => resolve(event.data);
          worker.onerror = (event) => reject(new Error(event.message));
        });
      }, SIMD_MODULE);
      expect(valid).toBe(true);
    } finally {
      await chromium.close();
    }
  });
});
