/**
 * The program that gguf-fuzz.test.ts runs in a child process with a capped heap: opens damaged GGUF files and uses
 * whatever opens. Prints one line of JSON; fails with fast-check's counterexample if anything but a MilletError is thrown.
 * Arguments: number of inputs, seed.
 */
import fc from "fast-check";
import { MilletError } from "../../src/errors.js";
import { HEADER_LIMIT_BYTES, HeaderReader } from "../../src/formats/gguf/cursor.js";
import { parsePreamble } from "../../src/formats/gguf/header.js";
import { type GgufModelFile, openGguf } from "../../src/formats/gguf/index.js";
import { openSource } from "../../src/store/index.js";
import type { ByteSource } from "../../src/tensor/byte-source.js";
import { makeGguf, wrap } from "../gguf/make.js";
import { countAllocations, hookAllocations } from "./allocations.js";
import { applyDamage, contents, damage } from "./gguf-arbitrary.js";

export interface FuzzReport {
  inputs: number;
  /** Inputs whose magic, version and counts were accepted. */
  passedHeader: number;
  opened: number;
  /** How often each error code came up. */
  codes: Record<string, number>;
  /** Bytes of the largest buffer for any input. */
  largestAllocation: number;
  /** Most bytes allocated, over all buffers, per byte of a file of which nothing was made up (4 KiB allowed besides). */
  worstGrowth: number;
  slowestMs: number;
}

const report: FuzzReport = {
  inputs: 0,
  passedHeader: 0,
  opened: 0,
  codes: {},
  largestAllocation: 0,
  worstGrowth: 0,
  slowestMs: 0,
};

/** Runs what may fail with a MilletError; true if it did not. */
async function tolerated(run: () => Promise<unknown> | unknown): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    if (!(error instanceof MilletError)) throw error;
    report.codes[error.code] = (report.codes[error.code] ?? 0) + 1;
    return false;
  }
}

/** Touches everything that an opened file offers. */
async function use(model: GgufModelFile): Promise<void> {
  for (const [, value] of model.metadata) String(value).slice(0, 10);
  for (const name of model.tensors.keys()) {
    await tolerated(async () => {
      const weight = model.weights.get(name)!;
      await weight.readInto(0, new Uint8Array(1));
    });
  }
  await model.close();
}

/** The file as a shard of two, the second being itself; or with zeros behind it up to a terabyte. */
async function sourceOf(bytes: Uint8Array, endless: boolean): Promise<ByteSource> {
  const names = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"];
  const source = await openSource({ files: names.map((name) => ({ name, location: bytes })) });
  if (!endless) return source;
  const readInto: ByteSource["readInto"] = async (offset, target) => {
    target.fill(0);
    target.set(bytes.subarray(offset, offset + target.byteLength));
  };
  return wrap(source, { byteLength: 2 ** 40, readInto });
}

function passesHeader(source: ByteSource): Promise<boolean> {
  return new HeaderReader(source, HEADER_LIMIT_BYTES, undefined).run(parsePreamble).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof MilletError)) throw error;
      return false;
    },
  );
}

async function tryInput(bytes: Uint8Array, endless: boolean): Promise<void> {
  const source = await sourceOf(bytes, endless);
  report.inputs++;
  if (await passesHeader(source)) report.passedHeader++;
  const begin = performance.now();
  const allocations = await countAllocations(async () => {
    await tolerated(async () => {
      const model = await openGguf(source);
      report.opened++;
      await use(model);
    });
  });
  report.slowestMs = Math.max(report.slowestMs, performance.now() - begin);
  report.largestAllocation = Math.max(report.largestAllocation, allocations.largest);
  const growth = allocations.total / (bytes.byteLength + 4096);
  if (!endless) report.worstGrowth = Math.max(report.worstGrowth, growth);
}

hookAllocations();
const [inputs, seed] = process.argv.slice(2).map(Number);
const input = fc.record({ contents, damage, endless: fc.integer({ min: 0, max: 19 }).map((n) => n === 0) });
await fc.assert(
  fc.asyncProperty(input, async ({ contents, damage, endless }) => {
    await tryInput(applyDamage(await makeGguf(contents), damage), endless);
  }),
  { numRuns: inputs!, seed: seed! },
);
console.log(JSON.stringify(report));
