/**
 * What goes wrong on the way: memory that a platform refuses, workers that die. Each ends in a typed error that names
 * the next step, leaves what was there before, and lets the app load again.
 */
import type { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { loadDecoder } from "../../../../test/support/decoder.js";
import { Opcode } from "../../assembly/opcodes.js";
import { cpu } from "../../src/index.js";
import { KvMemory } from "../../src/kv-memory.js";
import {
  codeOf,
  endlessProgram,
  engineWith,
  MEBIBYTE,
  PROGRAM,
  withFaultyWorker,
  words,
} from "../support/wasm-engine.js";

const KINDS = ["shared", "unshared"] as const;
const { Memory } = WebAssembly;
const { grow } = Memory.prototype;

afterEach(() => {
  WebAssembly.Memory = Memory;
  Memory.prototype.grow = grow;
});

/** Runs `fault` where the engine gets its memory, on this thread or in its worker, around `use`. */
function withFault<T>(
  memory: (typeof KINDS)[number],
  fault: string,
  use: (workerUrl?: URL) => Promise<T>,
): Promise<T> {
  if (memory === "unshared") return withFaultyWorker(fault, use);
  new Function(fault)();
  return use();
}

/** WebAssembly.Memory on a platform that reserves so many pages at most. */
function reservesAtMost(pages: number): string {
  return `WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
    construct(Memory, [descriptor]) {
      if (descriptor.maximum > ${pages}) throw new RangeError("could not allocate memory");
      return new Memory(descriptor);
    },
  })`;
}

describe.each(KINDS)("%s memory", (memory) => {
  test("a platform that reserves less than planned gives less room to grow, and that is reported", async () => {
    await withFault(memory, reservesAtMost(48), async (workerUrl) => {
      const engine = await engineWith(memory, 8 * MEBIBYTE, workerUrl);
      expect(engine.limitations.at(-1)).toMatch(
        /could reserve 2 MB of memory; .* takes 8 MB.*shorter context/,
      );
      const kv = new KvMemory(engine, MEBIBYTE, 8 * MEBIBYTE); // wants to grow by more than there is
      expect(await kv.allocate(MEBIBYTE, 1)).toEqual([MEBIBYTE]);
      expect(await engine.reserve(7 * MEBIBYTE).catch((error: unknown) => error)).toMatchObject({
        code: "OUT_OF_MEMORY",
        details: { neededBytes: 7 * MEBIBYTE, availableBytes: 2 * MEBIBYTE },
      });
      await engine.dispose();
    });
  });

  test("a platform that gives no memory at all fails the start with OUT_OF_MEMORY", async () => {
    await withFault(memory, reservesAtMost(8), async (workerUrl) => {
      expect(await codeOf(engineWith(memory, 4 * MEBIBYTE, workerUrl))).toBe("OUT_OF_MEMORY");
    });
  });

  test("growth that is refused fails that request alone", async () => {
    const refuse = `WebAssembly.Memory.prototype.grow = () => { throw new RangeError("grow failed"); }`;
    await withFault(memory, refuse, async (workerUrl) => {
      const engine = await engineWith(memory, 4 * MEBIBYTE, workerUrl);
      await engine.call({ writes: [{ address: PROGRAM, data: words(42) }] });
      const error: unknown = await engine.reserve(3 * MEBIBYTE).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: "OUT_OF_MEMORY",
        message: expect.stringMatching(/the system gave no more\. Use a shorter context/),
      });
      const [kept] = await engine.call({ reads: [{ address: PROGRAM, byteLength: 4 }] });
      expect(kept).toEqual(words(42));
      await engine.dispose();
    });
  });

  test("a worker that ends takes the others with it, and its call fails", async () => {
    const workers: Worker[] = [];
    const remember = (worker: Worker) => workers.push(worker);
    process.on("worker", remember);
    const engine = await engineWith(memory);
    process.off("worker", remember);
    const exits = workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
    const writes = [{ address: PROGRAM, data: endlessProgram() }];
    const running = codeOf(engine.call({ writes, program: PROGRAM }));
    const waiting = codeOf(engine.call({ reads: [{ address: PROGRAM, byteLength: 4 }] }));
    await workers.at(-1)!.terminate();
    const { code, message } = await engine.lost;
    expect(code).toBe("BACKEND_LOST");
    expect(message).toMatch(/Worker \d of \d has stopped: .* Load the model again\./);
    expect(await Promise.all([running, waiting])).toEqual(["BACKEND_LOST", "BACKEND_LOST"]);
    expect(await codeOf(engine.call({ program: PROGRAM }))).toBe("BACKEND_LOST");
    await Promise.all(exits);
    await engine.dispose();
  });

  test("a model whose worker dies fails its pending reads; the same backend loads it again", async () => {
    const workers: Worker[] = [];
    const remember = (worker: Worker) => workers.push(worker);
    const file = new URL("../../../../fixtures/llama/gqa.gguf", import.meta.url);
    const tokens = [1, 2, 3, 4, 5, 6, 7];
    const backend = await cpu({ engine: "wasm", threads: 2, memory }).create();
    process.on("worker", remember);
    const decoder = await loadDecoder(backend, file, 8, 64);
    process.off("worker", remember);
    const before = await decoder.run(tokens, 0);
    const reads = Array.from({ length: 100 }, () => codeOf(decoder.run(tokens, 0)));
    await workers[0]!.terminate();
    expect((await backend.lost).code).toBe("BACKEND_LOST");
    const codes = await Promise.all(reads);
    expect(codes.at(-1)).toBe("BACKEND_LOST");
    expect(new Set(codes.filter((code) => code !== undefined))).toEqual(new Set(["BACKEND_LOST"]));
    await decoder.dispose();
    const again = await loadDecoder(backend, file, 8, 64);
    expect(await again.run(tokens, 0)).toEqual(before);
    await again.dispose();
    await backend.dispose();
  });
});

describe("an error that a worker does not catch is reported with its text", () => {
  test("shared memory", async () => {
    // Counting itself finished is outside of what a worker guards.
    await withFaultyWorker(`Atomics.add = () => { throw new Error("injected"); }`, async (workerUrl) => {
      const engine = await engineWith("shared", 4 * MEBIBYTE, workerUrl);
      const writes = [{ address: PROGRAM, data: words(Opcode.End, 2) }];
      const error: unknown = await engine
        .call({ writes, program: PROGRAM })
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "BACKEND_LOST", message: expect.stringContaining("injected") });
      expect(await engine.lost).toBe(error);
      await engine.dispose();
    });
  });

  test("unshared memory", async () => {
    const workers: Worker[] = [];
    const remember = (worker: Worker) => workers.push(worker);
    process.on("worker", remember);
    const engine = await engineWith("unshared");
    process.off("worker", remember);
    const writes = [{ address: PROGRAM, data: endlessProgram() }];
    const call = codeOf(engine.call({ writes, program: PROGRAM }));
    workers[0]!.postMessage(null); // no message of the protocol
    expect((await engine.lost).message).toContain("TypeError");
    expect(await call).toBe("BACKEND_LOST");
    await engine.dispose();
  });
});
