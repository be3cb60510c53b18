/** A wake-up that comes late, for a call that is already done, must not run that call again. */
import { expect, test } from "vitest";
import { Fixed } from "../../assembly/memory.js";
import { Opcode } from "../../assembly/opcodes.js";
import { createWasmEngine, planWasm } from "../../src/engine/wasm/create.js";

const MEBIBYTE = 2 ** 20;

test("sleeping workers stay asleep when they are woken without a new call", async () => {
  const options = {
    threads: 2,
    simd: "auto",
    memory: "shared",
    workerUrl: undefined,
    dot: undefined,
  } as const;
  const limits = { initialBytes: MEBIBYTE, maximumBytes: MEBIBYTE };
  const engine = await createWasmEngine(planWasm(options), options, limits);
  const end = new Uint8Array(Uint32Array.of(Opcode.End, 2).buffer);
  const call = () =>
    engine.call({ writes: [{ address: Fixed.Reserved, data: end }], program: Fixed.Reserved });
  await call();
  await new Promise((resolve) => setTimeout(resolve, 20)); // they sleep now
  const view = engine.view(0, Fixed.Static)!;
  const control = new Int32Array(view.buffer, 0, Fixed.Static / 4);
  expect(Atomics.notify(control, Fixed.Generation / 4)).toBe(2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(Atomics.load(control, Fixed.Finished / 4)).toBe(2);
  await call();
  expect(Atomics.load(control, Fixed.Finished / 4)).toBe(2);
  await engine.dispose();
});
