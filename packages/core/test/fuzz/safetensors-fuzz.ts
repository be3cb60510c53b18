/**
 * The program that safetensors-fuzz.test.ts runs in a child process with a capped heap: opens damaged Hugging Face folders and
 * reads what opens. Prints one line of JSON; fails with fast-check's counterexample if anything but a MilletError is thrown.
 * Arguments: number of inputs, seed.
 */
import fc from "fast-check";
import { MilletError } from "../../src/errors.js";
import { type ModelFile, openContainer } from "../../src/formats/index.js";
import { openSource } from "../../src/store/index.js";
import { byteLength } from "../../src/tensor/tensor.js";
import { filesOf } from "../huggingface/folder.js";
import { countAllocations, hookAllocations } from "./allocations.js";
import { damagedFolder } from "./safetensors-arbitrary.js";

export interface FolderFuzzReport {
  inputs: number;
  opened: number;
  /** How often each error code came up. */
  codes: Record<string, number>;
  /** Bytes of the largest buffer for any input. */
  largestAllocation: number;
  slowestMs: number;
}

const report: FolderFuzzReport = { inputs: 0, opened: 0, codes: {}, largestAllocation: 0, slowestMs: 0 };

/** Runs what may fail with a MilletError. */
async function tolerated(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof MilletError)) throw error;
    report.codes[error.code] = (report.codes[error.code] ?? 0) + 1;
  }
}

/** Reads the start and the end of every weight, as a backend would begin and end. */
async function use(file: ModelFile): Promise<void> {
  for (const [, weight] of file.weights) {
    await tolerated(async () => {
      const size = byteLength(weight.spec);
      const part = Math.min(size, 64);
      await weight.readInto(0, new Uint8Array(part));
      await weight.readInto(size - part, new Uint8Array(part));
    });
  }
  await file.close();
}

async function tryInput(
  folder: Record<string, Uint8Array>,
  quantize: "q8_0" | "q4_0" | "none",
): Promise<void> {
  report.inputs++;
  const begin = performance.now();
  const allocations = await countAllocations(() =>
    tolerated(async () => {
      const file = await openContainer(await openSource(filesOf(folder)), { quantize });
      report.opened++;
      await use(file);
    }),
  );
  report.slowestMs = Math.max(report.slowestMs, performance.now() - begin);
  report.largestAllocation = Math.max(report.largestAllocation, allocations.largest);
}

hookAllocations();
const [inputs, seed] = process.argv.slice(2).map(Number);
const input = fc.record({ folder: damagedFolder, quantize: fc.constantFrom("q8_0", "q4_0", "none") });
await fc.assert(
  fc.asyncProperty(input, ({ folder, quantize }) => tryInput(folder, quantize)),
  { numRuns: inputs!, seed: seed! },
);
console.log(JSON.stringify(report));
