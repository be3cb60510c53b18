/** Workers and memory in order: calls, growth, disposal, idleness. What goes wrong is in faults.test.ts. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import { cpu } from "../../src/index.js";
import { codeOf, endlessProgram, engineWith, MEBIBYTE, PROGRAM, words } from "../support/wasm-engine.js";

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

describe("options", () => {
  test("what cannot be had is refused with its reason", async () => {
    expect(await codeOf(cpu({ threads: 0 }).create())).toBe("INVALID_ARGUMENT");
    expect(await codeOf(cpu({ threads: 1.5 }).create())).toBe("INVALID_ARGUMENT");
  });

  test("the reason for one thread is reported", async () => {
    const backend = await cpu({ engine: "wasm", memory: "unshared", threads: 4 }).create();
    expect(backend.capabilities.threads).toBe(1);
    expect(backend.capabilities.description).toContain("unshared");
    expect(backend.capabilities.limitations).toEqual([expect.stringContaining("runs one thread, because")]);
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
