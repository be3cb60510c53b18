/** The native engine at its boundary: memory, order of calls, abort, disposal, worker threads, refusals. */
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { Opcode } from "../../assembly/opcodes.js";
import type { Engine } from "../../src/engine/engine.js";
import type { NativeAddon } from "../../src/native/addon.js";
import { findNative, type NativeFound } from "../../src/native/load.js";
import { createNativeEngine } from "../../src/native/native-engine.js";
import { nativeEngine } from "./requirement.js";

const MEBIBYTE = 1 << 20;
const FIRST = 65536;

function start(threads = 2, maximumBytes = 64 * MEBIBYTE): Engine {
  return createNativeEngine(findNative() as NativeFound, threads, { initialBytes: MEBIBYTE, maximumBytes });
}

/** The native engine, and what it asks for as memory grows: up to how many MiB, and whether in large pages. */
function recording(): { readonly native: NativeFound; readonly grown: [end: number, large: boolean][] } {
  const found = findNative() as NativeFound;
  const grown: [number, boolean][] = [];
  const NativeEngine = new Proxy<NativeAddon["NativeEngine"]>(found.addon.NativeEngine, {
    construct: (_, args: ConstructorParameters<NativeAddon["NativeEngine"]>) => {
      const handle = new found.addon.NativeEngine(...args);
      const grow = handle.grow.bind(handle);
      handle.grow = (byteLength, large) => {
        grown.push([byteLength / MEBIBYTE, large]);
        return grow(byteLength, large);
      };
      return handle;
    },
  });
  return { native: { ...found, addon: { ...found.addon, NativeEngine } }, grown };
}

/** A program of `steps` times y = y + a on 8 floats: a at FIRST, y at FIRST + 32, count at FIRST + 64. */
function additions(steps: number): Uint8Array {
  const [a, y, count] = [FIRST / 16, FIRST / 16 + 2, FIRST / 16 + 4];
  const step = [Opcode.Add | (1 << 16), 10, a, 2, y, 2, y, 2, 8, count];
  const words = [...Array.from({ length: steps }, () => step).flat(), Opcode.End, 2];
  return new Uint8Array(Uint32Array.from(words).buffer);
}

const ONES = new Uint8Array(new Float32Array(8).fill(1).buffer);
const ONE_ROW = new Uint8Array(Int32Array.of(1, 0, 0, 0).buffer);
const PROGRAM = FIRST + 128;

function add(steps: number, signal?: AbortSignal) {
  const writes = [
    { address: FIRST, data: ONES },
    { address: FIRST + 64, data: ONE_ROW },
    { address: PROGRAM, data: additions(steps) },
  ];
  return {
    writes,
    program: PROGRAM,
    reads: [{ address: FIRST + 32, byteLength: 32 }],
    ...(signal && { signal }),
  };
}

const floats = (bytes: Uint8Array) => [...new Float32Array(bytes.buffer)];

describeWith(nativeEngine(), "native engine", () => {
  test("memory comes in large pages, but where little of it is touched", async () => {
    const { native, grown } = recording();
    const maximumBytes = 64 * MEBIBYTE;
    const sparse = { address: 8 * MEBIBYTE, byteLength: 16 * MEBIBYTE };
    const engine = createNativeEngine(native, 1, { initialBytes: 10 * MEBIBYTE, maximumBytes, sparse });
    await engine.reserve(20 * MEBIBYTE);
    await engine.reserve(32 * MEBIBYTE);
    const asked = grown.filter(
      ([end], i) => end > Math.max(0, ...grown.slice(0, i).map(([before]) => before)),
    );
    expect(asked).toEqual([
      [8, true],
      [10, false],
      [20, false],
      [24, false],
      [32, true],
    ]);
    await engine.dispose();
  });

  test("an engine that was started early takes the sizes of what it will run", async () => {
    const { native } = recording();
    const engine = createNativeEngine(native, 1, { initialBytes: MEBIBYTE, maximumBytes: 2 ** 36 });
    await engine.call({ writes: [{ address: FIRST, data: ONES }] });
    engine.settle({ initialBytes: 2 * MEBIBYTE, maximumBytes: 4 * MEBIBYTE });
    expect(engine.byteLength).toBe(2 * MEBIBYTE);
    await expect(engine.reserve(5 * MEBIBYTE)).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
    const limits = { initialBytes: 5 * MEBIBYTE, maximumBytes: 4 * MEBIBYTE };
    expect(() => engine.settle(limits)).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
    expect(await engine.call({ reads: [{ address: FIRST, byteLength: 32 }] })).toEqual([ONES]);
    await engine.dispose();
  });

  test("calls run in order, each with its own writes and reads", async () => {
    const engine = start();
    const results = await Promise.all([engine.call(add(1)), engine.call(add(2)), engine.call(add(3))]);
    expect(results.map(([bytes]) => floats(bytes!)[7])).toEqual([1, 3, 6]);
    await engine.dispose();
  });

  test("a view is the memory itself", async () => {
    const engine = start();
    engine.view(FIRST, 8)?.set([1, 2, 3]);
    const [bytes] = await engine.call({ reads: [{ address: FIRST, byteLength: 4 }] });
    expect([...bytes!]).toEqual([1, 2, 3, 0]);
    await engine.dispose();
  });

  test("views outlive the engine, empty", async () => {
    const engine = start();
    const view = engine.view(FIRST, 8192)!;
    view.fill(7);
    await engine.dispose();
    expect(view.every((byte) => byte === 0)).toBe(true);
  });

  test("memory grows with zeros, up to its maximum", async () => {
    const engine = start(1, 8 * MEBIBYTE);
    await engine.reserve(7 * MEBIBYTE);
    expect(engine.byteLength).toBe(7 * MEBIBYTE);
    expect(engine.view(6 * MEBIBYTE, 4096)?.every((byte) => byte === 0)).toBe(true);
    await expect(engine.reserve(9 * MEBIBYTE)).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
    expect(engine.byteLength).toBe(7 * MEBIBYTE);
    await engine.dispose();
  });

  test("addresses beyond 4 GiB", async () => {
    const far = 5 * 1024 * MEBIBYTE;
    const engine = start(1, far + 4 * MEBIBYTE);
    await engine.reserve(far + MEBIBYTE); // takes addresses; only what is touched takes memory
    await engine.call({ writes: [{ address: far, data: ONES }] });
    const [bytes] = await engine.call({ reads: [{ address: far, byteLength: 32 }] });
    expect(floats(bytes!)).toEqual(floats(ONES));
    await engine.dispose();
  });

  test("abort cuts a running program short, and the next one runs", async () => {
    const engine = start();
    await engine.reserve(48 * MEBIBYTE);
    const controller = new AbortController();
    const running = engine.call(add(1_000_000, controller.signal));
    setTimeout(() => controller.abort(), 5);
    await expect(running).rejects.toMatchObject({ code: "ABORTED" });
    await engine.call({ writes: [{ address: FIRST + 32, data: new Uint8Array(32) }] });
    const [bytes] = await engine.call(add(1));
    expect(floats(bytes!)).toEqual(floats(ONES));
    await engine.dispose();
  });

  test("disposal fails what runs and what follows", async () => {
    const engine = start();
    await engine.reserve(48 * MEBIBYTE);
    const running = expect(engine.call(add(1_000_000))).rejects.toMatchObject({ code: "DISPOSED" });
    const waiting = expect(engine.call(add(1))).rejects.toMatchObject({ code: "DISPOSED" });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await engine.dispose();
    await Promise.all([running, waiting]);
    await engine.dispose();
  });

  test("a broken program is refused", async () => {
    const engine = start();
    const data = new Uint8Array(Uint32Array.of(63, 2, 0, 2).buffer);
    const call = engine.call({ writes: [{ address: FIRST, data }], program: FIRST });
    await expect(call).rejects.toMatchObject({ code: "BACKEND_FAILED" });
    await engine.dispose();
  });

  test("a worker thread that ends while its engine computes", async () => {
    const { path } = findNative() as NativeFound;
    const source = `
      const { parentPort } = require("node:worker_threads");
      const { NativeEngine } = require(${JSON.stringify(path)});
      const engine = new NativeEngine("auto", 2, ${64 * MEBIBYTE});
      engine.grow(${48 * MEBIBYTE}, true);
      engine.write(${FIRST}, new Uint8Array(${JSON.stringify([...ONES])}));
      engine.write(${FIRST + 64}, new Uint8Array([1, 0, 0, 0]));
      const step = ${JSON.stringify([...new Uint32Array(additions(1).buffer)].slice(0, 10))};
      const words = new Uint32Array(10_000_002);
      for (let i = 0; i < 1_000_000; i++) words.set(step, 10 * i);
      words.set([0, 2], 10_000_000);
      engine.write(${PROGRAM}, new Uint8Array(words.buffer));
      engine.run(${PROGRAM});
      parentPort.postMessage("running");`;
    const worker = new Worker(source, { eval: true });
    await new Promise((resolve) => worker.once("message", resolve));
    expect(await worker.terminate()).toBe(1);
  });
});
