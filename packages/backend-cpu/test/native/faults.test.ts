/**
 * What can be wrong with the native engine of an installed package, one by one: each leads to a sentence in the
 * capabilities, and the model runs all the same.
 */
import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { loadDecoder } from "../../../../test/support/decoder.js";
import { cpu } from "../../src/index.js";
import type { NativeAddon, NativeHandle } from "../../src/native/addon.js";
import { checkAddon, findNative, loadAddon, type NativeSupport } from "../../src/native/load.js";
import { createNativeEngine } from "../../src/native/native-engine.js";
import { nativeEngine } from "./requirement.js";

vi.mock("../../src/native/load.js", async (original) => {
  const module = await original<typeof import("../../src/native/load.js")>();
  return { ...module, findNative: vi.fn(module.findNative) };
});
const find = vi.mocked(findNative);
const FIXTURE = new URL("../../../../fixtures/llama/q8-0.gguf", import.meta.url);
type Arguments = ConstructorParameters<NativeAddon["NativeEngine"]>;
const PACKAGE = "@millet/backend-cpu-somewhere";

/** First logits of a small model on whatever engine serves, and what the backend then says of itself. */
async function run(options: Parameters<typeof cpu>[0] = { threads: 2 }) {
  const backend = await cpu(options).create();
  const decoder = await loadDecoder(backend, FIXTURE, 3, 8);
  const logits = await decoder.run([1, 5, 9], 0);
  const { capabilities } = backend;
  await backend.dispose();
  return { logits, capabilities };
}

describeWith(nativeEngine(), "a native engine that cannot serve", (path) => {
  let folder: string;
  let expected: Awaited<ReturnType<typeof run>>["logits"];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "millet-faults-"));
    ({ logits: expected } = await run({ engine: "wasm", threads: 2 }));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(() => find.mockReset());

  /** A copy of the addon with other bytes; `isBuiltSo` makes them the ones that were meant. */
  function changed(name: string, change: (bytes: Buffer) => Buffer, isBuiltSo: boolean): NativeSupport {
    const file = join(folder, `${name}.node`);
    const bytes = change(readFileSync(path));
    writeFileSync(file, bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (isBuiltSo) writeFileSync(file.replace(/node$/, "json"), JSON.stringify({ sha256 }));
    else copyFileSync(path.replace(/node$/, "json"), file.replace(/node$/, "json"));
    return loadAddon(file, PACKAGE);
  }

  /** The real addon with something else in place. */
  const addonWith = (change: Partial<NativeAddon>): NativeSupport => {
    const { addon } = loadAddon(path, PACKAGE) as { addon: NativeAddon };
    return checkAddon({ ...addon, ...change }, path);
  };
  /** The real addon whose engines come from `make`. */
  function addonMaking(make: (addon: NativeAddon, ...args: Arguments) => NativeHandle): NativeSupport {
    const { addon } = loadAddon(path, PACKAGE) as { addon: NativeAddon };
    const construct = (_: unknown, args: Arguments) => make(addon, ...args);
    return addonWith({
      NativeEngine: new Proxy<NativeAddon["NativeEngine"]>(addon.NativeEngine, { construct }),
    });
  }

  const swapBytes = (from: string, to: string) => (bytes: Buffer) =>
    Buffer.from(bytes.toString("latin1").replaceAll(from, to), "latin1");
  const otherMachine = (bytes: Buffer) => {
    bytes.writeUInt16LE(bytes.readUInt16LE(18) === 183 ? 62 : 183, 18); // e_machine of ELF: AArch64, x86-64
    return bytes;
  };

  const faults: Record<string, [() => NativeSupport, reason: string, text: RegExp]> = {
    "a damaged file": [
      () => changed("damaged", (bytes) => bytes.fill(0xff, 4096, 4100), false),
      "load-failed",
      /damaged\.node is damaged; install @millet\/backend-cpu-somewhere again/,
    ],
    "a file cut short": [
      () => changed("short", (bytes) => bytes.subarray(0, bytes.length / 2), false),
      "load-failed",
      /is damaged/,
    ],
    "a package without its binary": [
      () => loadAddon(join(folder, "absent.node"), PACKAGE),
      "not-installed",
      /somewhere holds no binary/,
    ],
    "a binary of another architecture": [
      () => changed("machine", otherMachine, true),
      "load-failed",
      /machine\.node does not load/,
    ],
    "a C library that is too old": [
      () => changed("glibc", swapBytes("GLIBC_2.34", "GLIBC_9.99"), true),
      "load-failed",
      /GLIBC_9\.99/,
    ],
    "another Program format": [
      () => addonWith({ programFormat: 1 }),
      "format-mismatch",
      /built from another version/,
    ],
    "a processor without AVX2": [
      () => addonWith({ levels: { avx512vnni: false, avx2: false } }),
      "unsupported-cpu",
      /does not run the native engine, which needs avx512vnni or avx2/,
    ],
  };
  describe.each(Object.keys(faults))("%s", (name) => {
    const [make, reason, text] = faults[name]!;

    test("WASM serves and says why", async () => {
      const support = make();
      expect(support).toMatchObject({ available: false, reason });
      find.mockReturnValue(support);
      const { logits, capabilities } = await run();
      expect(capabilities.engine).toBe("wasm");
      expect(capabilities.limitations[0]).toMatch(text);
      expect(logits).toEqual(expected);
    });

    test("asked for by name, it is an error", async () => {
      find.mockReturnValue(make());
      const created = cpu({ engine: "native" }).create();
      await expect(created).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE", details: { reason } });
      await expect(created).rejects.toThrow(text);
    });
  });

  test.each([
    ["ERR_THREADS", "Resource temporarily unavailable", "BACKEND_UNAVAILABLE"],
    ["ERR_OUT_OF_MEMORY", "the addresses could not be reserved", "OUT_OF_MEMORY"],
  ])("an engine that does not start: %s", async (code, message, expectedCode) => {
    const refuse = () => {
      throw Object.assign(new Error(message), { code });
    };
    find.mockReturnValue(addonMaking(refuse));
    const { logits, capabilities } = await run();
    expect(capabilities.engine).toBe("wasm");
    expect(capabilities.limitations[0]).toMatch(/The wasm engine serves instead\.$/);
    expect(logits).toEqual(expected);
    await expect(run({ engine: "native" })).rejects.toMatchObject({ code: expectedCode });
  });

  test("memory that the system refuses when a model is loaded", async () => {
    let handle: NativeHandle | undefined;
    find.mockReturnValue(
      addonMaking((addon, ...args) => {
        handle = new addon.NativeEngine(...args);
        handle.grow = () => false;
        return handle;
      }),
    );
    const { logits, capabilities } = await run();
    expect(capabilities).toMatchObject({ engine: "wasm" });
    expect(capabilities.limitations[0]).toMatch(/the system gave no more.*The wasm engine serves instead/);
    expect(() => handle?.read(0, new Uint8Array(0))).toThrow("disposed"); // nothing stays behind
    expect(logits).toEqual(expected);
  });

  test("more addresses than there are", () => {
    const support = loadAddon(path, PACKAGE);
    if (!support.available) throw new Error(support.message);
    const limits = { initialBytes: 65536, maximumBytes: 2 ** 50 };
    expect(() => createNativeEngine(support, 1, limits)).toThrow(
      expect.objectContaining({ code: "OUT_OF_MEMORY" }),
    );
  });

  test("fewer threads than asked for: it computes with them, and says so", async () => {
    const make = ({ NativeEngine }: NativeAddon, level: string, _: number, bytes: number) =>
      new NativeEngine(level, 1, bytes);
    find.mockReturnValue(addonMaking(make));
    const { logits, capabilities } = await run({ threads: 3 });
    expect(capabilities).toMatchObject({ engine: "native", threads: 1 });
    expect(capabilities.description).toMatch(/1 thread$/);
    expect(capabilities.limitations).toEqual([
      "The CPU backend has 1 of 3 threads: the system gave no more.",
    ]);
    expect(logits).toEqual(expected);
  });

  test("a child process starts an engine of its own while the parent has one", async () => {
    const support = loadAddon(path, PACKAGE);
    if (!support.available) throw new Error(support.message);
    const limits = { initialBytes: 1 << 20, maximumBytes: 1 << 20 };
    const engine = createNativeEngine(support, 2, limits);
    const program = join(folder, "child.cjs");
    writeFileSync(
      program,
      `const { NativeEngine } = require(${JSON.stringify(path)});
       const engine = new NativeEngine("auto", 2, 1 << 20);
       engine.grow(1 << 20, true);
       engine.write(65536, new Uint8Array([0, 0, 0, 0, 2, 0, 0, 0]));
       engine.run(65536).then((outcome) => process.send({ outcome, threads: engine.threads }));`,
    );
    const child = fork(program);
    const message = await new Promise((resolve) => child.once("message", resolve));
    child.disconnect();
    expect(message).toEqual({ outcome: 0, threads: 2 });
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(0);
    const data = new Uint8Array(Uint32Array.of(0, 2).buffer);
    await engine.call({ writes: [{ address: 65536, data }], program: 65536 });
    await engine.dispose();
  });
});
