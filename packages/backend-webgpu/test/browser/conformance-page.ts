/** Runs conformance tests by their names, in a page or in a worker of it: the same script is both. */
import { openDevice } from "../../src/device/open-device.js";
import { conformance } from "../support/conformance.js";
import { collectTests, type TestOutcome } from "../support/suite.js";
import { trustingWebgpu } from "../support/trusting-webgpu.js";

declare global {
  interface Window {
    runTest(name: string): Promise<TestOutcome>;
    runTestInWorker(name: string): Promise<TestOutcome>;
  }
}

let tests: Promise<ReadonlyMap<string, () => Promise<TestOutcome>>> | undefined;

async function openTests(): Promise<ReadonlyMap<string, () => Promise<TestOutcome>>> {
  const { gpu } = await openDevice();
  return collectTests((runner) => conformance(() => trustingWebgpu({ device: gpu }), runner));
}

async function runTest(name: string): Promise<TestOutcome> {
  const test = (await (tests ??= openTests())).get(name);
  return test ? test() : { state: "failed", message: `The page has no test "${name}".` };
}

let worker: Worker | undefined;

/** One test at a time. */
function runTestInWorker(name: string): Promise<TestOutcome> {
  const running = (worker ??= new Worker(import.meta.url, { type: "module" }));
  return new Promise((resolve, reject) => {
    running.onmessage = ({ data }: MessageEvent<TestOutcome>) => resolve(data);
    running.onerror = ({ message }) => reject(new Error(message));
    running.postMessage(name);
  });
}

if ("document" in globalThis) Object.assign(window, { runTest, runTestInWorker });
else {
  addEventListener("message", async ({ data }: MessageEvent<string>) => {
    postMessage(await runTest(data).catch((error) => ({ state: "failed", message: String(error) })));
  });
}
