/** Which engine serves: the native addon where it runs and is not ruled out, else WASM; and why not the other. */
import type { GraphSet } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { DType } from "@millet/core/tensor";
import { findNative, type NativeFound } from "../native/load.js";
import { createNativeEngine, describeNative } from "../native/native-engine.js";
import type { CpuOptions } from "../options.js";
import { threadsOf } from "../options.js";
import { WEIGHT_TYPES } from "../pack/packed-type.js";
import type { EarlyEngine, Engine, EngineLimits } from "./engine.js";
import { createWasmEngine, planWasm } from "./wasm/create.js";
import { ADDRESSABLE_BYTES } from "./wasm/pages.js";

/** An engine that can be started, and what it will be. */
export interface EngineChoice {
  readonly name: Engine["name"];
  readonly description: string;
  readonly threads: number;
  readonly limitations: readonly string[];
  /** Bytes that its addresses reach. */
  readonly addressableBytes: number;
  /** Types of matrices that it multiplies. */
  readonly weightTypes: ReadonlySet<DType>;
  /** The engine where this one does not start or lacks a type of the graphs, if options leave the choice. */
  readonly fallback?: () => EngineChoice;
  /** @throws MilletError BACKEND_UNAVAILABLE, OUT_OF_MEMORY, ABORTED; nothing stays behind */
  start(limits: EngineLimits, signal?: AbortSignal): Promise<Engine>;
  /** The same before a model's sizes are known; absent where memory cannot be reserved without being taken. */
  startEarly?(limits: Omit<EngineLimits, "maximumBytes">): EarlyEngine;
}

/** Addresses in Programs are 32-bit words that count 16 bytes. */
const NATIVE_ADDRESSABLE_BYTES = 2 ** 32 * 16;

/**
 * @param find looks for the native engine; for tests
 * @throws MilletError BACKEND_UNAVAILABLE, INVALID_ARGUMENT
 */
export function chooseEngine(options: CpuOptions, find = findNative): EngineChoice {
  const { engine = "auto" } = options;
  if (engine === "wasm" || wantsWasm(options)) return wasmChoice(options);
  const native = find(options.isa);
  if (native.available) return nativeChoice(native, options);
  const { reason, message, cause } = native;
  if (engine === "native") {
    const advice = 'Use cpu({ engine: "auto" }), which then takes WASM.';
    throw new MilletError("BACKEND_UNAVAILABLE", `${message} ${advice}`, { cause, details: { reason } });
  }
  const wasm = wasmChoice(options);
  return reason === "not-node" ? wasm : limited(wasm, `${message} The WASM engine serves, which is slower.`);
}

/** `choice` where it multiplies all types of the graphs' matrices, else its fallback: the same answer for the same graphs. */
export function choiceFor(graphs: GraphSet, choice: EngineChoice): EngineChoice {
  const types = Object.values(graphs)
    .flatMap(({ weights }) => Object.values(weights))
    .filter(({ spec }) => spec.shape.length === 2)
    .map(({ spec }) => spec.dtype);
  const missing = [...new Set(types)].filter((type) => !choice.weightTypes.has(type));
  const fallback = missing.length === 0 ? undefined : choice.fallback?.();
  if (!fallback) return choice;
  const reason = `The ${choice.name} engine does not multiply ${missing.join(", ")}; ${fallback.name} serves instead.`;
  return limited(fallback, reason);
}

/** The choice with one more limitation, a full sentence. */
export function limited(choice: EngineChoice, reason: string): EngineChoice {
  return { ...choice, limitations: [reason, ...choice.limitations] };
}

/** Options that only the WASM engine has. */
function wantsWasm({ engine, simd, memory, workerUrl }: CpuOptions): boolean {
  return (
    engine !== "native" &&
    [simd, memory, workerUrl].some((option) => option !== undefined && option !== "auto")
  );
}

function nativeChoice(native: NativeFound, options: CpuOptions): EngineChoice {
  const threads = threadsOf(options);
  return {
    name: "native",
    description: describeNative(native.level, threads),
    threads,
    limitations: [],
    addressableBytes: NATIVE_ADDRESSABLE_BYTES,
    weightTypes: WEIGHT_TYPES.native,
    ...(options.engine !== "native" && { fallback: () => wasmChoice(options) }),
    start: async (limits) => createNativeEngine(native, threads, limits),
    startEarly: (limits) =>
      createNativeEngine(native, threads, { ...limits, maximumBytes: NATIVE_ADDRESSABLE_BYTES }),
  };
}

function wasmChoice(options: CpuOptions): EngineChoice {
  const { simd = "auto", memory = "auto", workerUrl } = options;
  const wasm = { threads: threadsOf(options), simd, memory, workerUrl, dot: undefined };
  const plan = planWasm(wasm);
  return {
    name: "wasm",
    description: plan.description,
    threads: plan.threads,
    limitations: plan.limitations,
    addressableBytes: ADDRESSABLE_BYTES,
    weightTypes: WEIGHT_TYPES.wasm,
    start: (limits, signal) => createWasmEngine(plan, wasm, limits, signal),
  };
}
