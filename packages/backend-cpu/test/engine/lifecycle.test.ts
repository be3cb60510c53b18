/** Workers and memory: what happens when they die, run out, are disposed, or have nothing to do. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Worker } from "node:worker_threads";
import { isMilletError, type MilletErrorCode } from "@millet/core/errors";
import { describe, expect, test } from "vitest";
import { Fixed } from "../../assembly/memory.js";
import { Opcode } from "../../assembly/opcodes.js";
import type { Engine } from "../../src/engine/engine.js";
import { createWasmEngine, planWasm, type WasmOptions } from "../../src/engine/wasm/create.js";
import { cpu } from "../../src/index.js";

const MEBIBYTE = 2 ** 20;
const PROGRAM = Fixed.Reserved;

function optionsOf(memory: "shared" | "unshared", threads = 2): WasmOptions {
  return { threads, simd: "auto", memory, workerUrl: undefined, dot: undefined };
}

async function engineWith(memory: "shared" | "unshared", maximumBytes = 4 * MEBIBYTE): Promise<Engine> {
  const options = optionsOf(memory);
  return createWasmEngine(planWasm(options), options, { initialBytes: MEBIBYTE, maximumBytes });
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

async function codeOf(promise: Promise<unknown>): Promise<MilletErrorCode | undefined> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isMilletError(error) ? error.code : undefined;
}

describe.each(["shared", "unshared"] as const)("%s memory", (memory) => {
  test("calls write, run and read in order", async () => {
    const engine = await engineWith(memory);
    const address = PROGRAM + 4096;
    const calls = [1, 2, 3].map((value) =>
      engine.call({
        writes: [
          { address: PROGRAM, data: words(Opcode.End, 2) },
          { address, data: words(value) },
        ],
        program: PROGRAM,
        reads: [{ address, byteLength: 4 }],
      }),
    );
    const results = await Promise.all(calls);
    expect(results.map(([bytes]) => bytes![0])).toEqual([1, 2, 3]);
    await engine.dispose();
  });

  test("memory grows up to the plan and says what is missing beyond", async () => {
    const engine = await engineWith(memory, 2 * MEBIBYTE);
    await engine.reserve(1.5 * MEBIBYTE);
    expect(engine.byteLength).toBeGreaterThanOrEqual(1.5 * MEBIBYTE);
    const error = await engine.reserve(3 * MEBIBYTE).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "OUT_OF_MEMORY",
      details: { neededBytes: 3 * MEBIBYTE, maximumBytes: 2 * MEBIBYTE },
    });
    await engine.call({ writes: [{ address: 1.4 * MEBIBYTE, data: words(7) }] });
    await engine.dispose();
  });

  test("memory that cannot be had fails as OUT_OF_MEMORY", async () => {
    // More than the system gives: the request itself is valid.
    const original = WebAssembly.Memory;
    if (memory === "shared") {
      WebAssembly.Memory = class extends original {
        constructor(descriptor: WebAssembly.MemoryDescriptor) {
          super(descriptor);
          throw new RangeError("could not allocate memory");
        }
      };
    }
    const options = optionsOf(memory);
    // An unshared memory is made in the worker, where initial above maximum is refused.
    const limits = {
      initialBytes: 2 * MEBIBYTE,
      maximumBytes: memory === "shared" ? 4 * MEBIBYTE : MEBIBYTE,
    };
    const code = await codeOf(createWasmEngine(planWasm(options), options, limits));
    WebAssembly.Memory = original;
    expect(code).toBe("OUT_OF_MEMORY");
  });

  test("a program that traps fails its call and no other", async () => {
    const engine = await engineWith(memory);
    const bad = { address: PROGRAM, data: words(9999, 2) };
    expect(await codeOf(engine.call({ writes: [bad], program: PROGRAM }))).toBe("BACKEND_FAILED");
    const good = { address: PROGRAM, data: words(Opcode.End, 2) };
    expect(await engine.call({ writes: [good], program: PROGRAM })).toEqual([]);
    await engine.dispose();
  });

  test("dispose fails what is pending and what comes later", async () => {
    const engine = await engineWith(memory);
    const spin = endlessProgram();
    const running = engine.call({ writes: [{ address: PROGRAM, data: spin }], program: PROGRAM });
    const waiting = engine.call({ program: PROGRAM });
    const codes = Promise.all([codeOf(running), codeOf(waiting)]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await engine.dispose();
    expect(await codes).toEqual(["DISPOSED", "DISPOSED"]);
    expect(await codeOf(engine.call({ program: PROGRAM }))).toBe("DISPOSED");
  });
});

/** A step of length 0, which the interpreter runs again and again: gather_rows of no rows. */
function endlessProgram(): Uint8Array {
  const zeroRows = (PROGRAM + 256) / 16;
  return words(Opcode.GatherRows, 0, 0, 0, 0, 0, 0, 0, zeroRows);
}

describe("a worker that dies", () => {
  test.each(["shared", "unshared"] as const)(
    "is reported and fails the running call: %s memory",
    async (memory) => {
      const workers: Worker[] = [];
      const remember = (worker: Worker) => workers.push(worker);
      process.on("worker", remember);
      const engine = await engineWith(memory);
      process.off("worker", remember);
      const running = engine.call({
        writes: [{ address: PROGRAM, data: endlessProgram() }],
        program: PROGRAM,
      });
      const code = codeOf(running);
      await workers.at(-1)!.terminate();
      expect((await engine.lost).code).toBe("BACKEND_LOST");
      expect(await code).toBe("BACKEND_LOST");
      expect(await codeOf(engine.call({ program: PROGRAM }))).toBe("BACKEND_LOST");
      await engine.dispose();
    },
  );
});

describe("options", () => {
  test("what cannot be had is refused with its reason", async () => {
    expect(await codeOf(cpu({ threads: 0 }).create())).toBe("INVALID_ARGUMENT");
    expect(await codeOf(cpu({ threads: 1.5 }).create())).toBe("INVALID_ARGUMENT");
  });

  test("the reason for one thread is reported", async () => {
    const backend = await cpu({ engine: "wasm", memory: "unshared", threads: 4 }).create();
    expect(backend.capabilities.threads).toBe(1);
    expect(backend.capabilities.description).toContain("unshared");
  });
});

describe("the process", () => {
  test.each(["shared", "unshared"])(
    "ends by itself while idle workers are there: %s memory",
    async (memory) => {
      const script = fileURLToPath(new URL("../support/idle.mjs", import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, [script, memory], { timeout: 20_000 });
      expect(stdout.trim()).toBe("loaded");
    },
  );
});
