/** Finding the addon, and what is said where there is none: reasons, messages, the fallback to WASM. */
import { describe, expect, test, vi } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import * as format from "../../assembly/opcodes.js";
import { cpu } from "../../src/index.js";
import type { NativeAddon } from "../../src/native/addon.js";
import { programFingerprint } from "../../src/native/fingerprint.js";
import { checkAddon, findNative } from "../../src/native/load.js";
import { nativeEngine, nativeLevels } from "./requirement.js";

/** Runs `body` with another value of a property of `process`. */
async function withProcess<T>(
  property: "arch" | "platform",
  value: string,
  body: () => Promise<T>,
): Promise<T> {
  const original = Object.getOwnPropertyDescriptor(process, property)!;
  Object.defineProperty(process, property, { ...original, value });
  try {
    return await body();
  } finally {
    Object.defineProperty(process, property, original);
  }
}

describe("where there is no native engine", () => {
  test("it says which package is not installed, and WASM serves", async () => {
    await withProcess("arch", "mips", async () => {
      expect(findNative()).toMatchObject({ available: false, reason: "not-installed" });
      const backend = await cpu().create();
      expect(backend.capabilities.engine).toBe("wasm");
      await expect(cpu({ engine: "native" }).create()).rejects.toMatchObject({
        code: "BACKEND_UNAVAILABLE",
        message: expect.stringContaining("@millet/backend-cpu-linux-mips is not installed"),
        details: { reason: "not-installed" },
      });
    });
  });

  test("outside of Node it says so", () => {
    const get = vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
    expect(findNative()).toMatchObject({ available: false, reason: "not-node" });
    get.mockRestore();
  });
});

describe("an addon that was loaded", () => {
  const programFormat = programFingerprint({ ...format });
  const addon = (levels: Record<string, boolean>, programFormat: number): NativeAddon => ({
    levels,
    programFormat,
    NativeEngine: vi.fn<NativeAddon["NativeEngine"]>(),
  });

  test("runs its best level that the processor has", () => {
    const support = checkAddon(addon({ avx512vnni: false, avx2: true }, programFormat), "file");
    expect(support).toMatchObject({ available: true, level: "avx2", path: "file" });
  });

  test("is refused on a processor without AVX2, with what it needs", () => {
    const support = checkAddon(addon({ avx512vnni: false, avx2: false }, programFormat), "file");
    expect(support).toMatchObject({ available: false, reason: "unsupported-cpu" });
    expect(support).toMatchObject({ message: expect.stringContaining("avx512vnni or avx2") });
  });

  test("is refused if it was built from another Program format", () => {
    const support = checkAddon(addon({ avx2: true }, programFormat + 1), "file");
    expect(support).toMatchObject({ available: false, reason: "format-mismatch" });
  });
});

test("the fingerprint follows names and values, not their order", () => {
  const a = programFingerprint({ Opcode: { End: 0, Add: 1 }, Flag: { Barrier: 1 } });
  expect(programFingerprint({ Flag: { Barrier: 1 }, Opcode: { Add: 1, 1: "Add", End: 0 } })).toBe(a);
  expect(programFingerprint({ Opcode: { End: 0, Add: 2 }, Flag: { Barrier: 1 } })).not.toBe(a);
  expect(programFingerprint({ Opcode: { End: 0, Mul: 1 }, Flag: { Barrier: 1 } })).not.toBe(a);
});

describeWith(nativeEngine(), "native engine", () => {
  test("auto takes it", async () => {
    const backend = await cpu().create();
    expect(backend.capabilities.engine).toBe("native");
    expect(backend.capabilities.description).toContain(nativeLevels()[0]);
  });

  test("options that only WASM has choose WASM", async () => {
    const backend = await cpu({ simd: "plain" }).create();
    expect(backend.capabilities.engine).toBe("wasm");
  });

  test("an instruction set that the processor lacks is refused by name", async () => {
    expect(findNative("avx1024")).toMatchObject({ available: false, reason: "unsupported-cpu" });
    await expect(cpu({ engine: "native", isa: "avx1024" }).create()).rejects.toThrow("avx1024");
  });
});
