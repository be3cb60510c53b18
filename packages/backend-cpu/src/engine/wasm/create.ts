/** Chooses the WASM build and the kind of memory that this platform can run, and starts the engine. */
import { MilletError } from "@millet/core/errors";
import type { Engine, EngineLimits } from "../engine.js";
import { compileModule } from "./modules.js";
import { narrowed, PAGE_BYTES, pagesOf } from "./pages.js";
import { WorkerPool } from "./pool.js";
import { SharedEngine, sharedMemory } from "./shared-engine.js";
import { spawnerOf } from "./spawn.js";
import { supportsRelaxedSimd, supportsSimd } from "./support.js";
import { UnsharedEngine } from "./unshared-engine.js";

export interface WasmOptions {
  /** Threads to use; fewer where memory cannot be shared. */
  readonly threads: number;
  readonly simd: "auto" | "relaxed" | "plain";
  readonly memory: "auto" | "shared" | "unshared";
  readonly workerUrl: string | URL | undefined;
  /** Dot mode instead of the fastest that the platform has; for tests. */
  readonly dot: number | undefined;
}

/** What the WASM engine will be on this platform. */
export interface WasmPlan {
  readonly relaxed: boolean;
  readonly shared: boolean;
  readonly threads: number;
  readonly description: string;
  readonly limitations: readonly string[];
}

/** @throws MilletError BACKEND_UNAVAILABLE if the platform lacks what is asked for */
export function planWasm(options: WasmOptions): WasmPlan {
  if (typeof WebAssembly === "undefined" || !supportsSimd()) {
    throw new MilletError(
      "BACKEND_UNAVAILABLE",
      "This platform runs no WebAssembly SIMD; use a current browser.",
    );
  }
  const relaxed = options.simd !== "plain" && supportsRelaxedSimd();
  if (options.simd === "relaxed" && !relaxed) {
    throw new MilletError("BACKEND_UNAVAILABLE", "This platform runs no WebAssembly relaxed SIMD.");
  }
  const limitations: string[] = [];
  if (!relaxed && options.simd === "auto") {
    limitations.push(
      "The CPU kernels run at about half speed: this platform runs no WebAssembly relaxed SIMD.",
    );
  }
  const reason = options.memory === "unshared" ? UNSHARED_BY_CHOICE : whyUnshared();
  if (options.memory === "shared" && reason) throw new MilletError("BACKEND_UNAVAILABLE", reason);
  const shared = reason === undefined;
  if (reason) limitations.push(reason);
  const threads = shared ? options.threads : 1;
  const kind = `${relaxed ? "relaxed" : "plain"} SIMD, ${shared ? "shared" : "unshared"} memory`;
  return {
    relaxed,
    shared,
    threads,
    description: `WASM ${kind}, ${threads} thread${threads === 1 ? "" : "s"}`,
    limitations,
  };
}

const UNSHARED_BY_CHOICE = 'The CPU backend runs one thread, because the option memory is "unshared".';

function whyUnshared(): string | undefined {
  if (typeof SharedArrayBuffer === "undefined" || globalThis.crossOriginIsolated === false) {
    return (
      "The CPU backend runs one thread: the page is not cross-origin isolated, so it has no shared memory. " +
      'Serve it with "Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp".'
    );
  }
  return undefined;
}

/**
 * Starts the workers.
 * @throws MilletError BACKEND_UNAVAILABLE, OUT_OF_MEMORY, ABORTED; nothing stays behind
 */
export async function createWasmEngine(
  plan: WasmPlan,
  options: WasmOptions,
  limits: EngineLimits,
  signal?: AbortSignal,
): Promise<Engine> {
  const spawn = spawnerOf(options.workerUrl);
  const module = await compileModule(plan);
  const wanted = { initial: pagesOf(limits.initialBytes), maximum: pagesOf(limits.maximumBytes) };
  const own = plan.shared ? sharedMemory(limits.initialBytes, limits.maximumBytes) : undefined;
  const pool = new WorkerPool(spawn, plan.threads, {
    module,
    memory: own?.memory ?? wanted,
    dot: options.dot,
  });
  try {
    await pool.ready(signal);
  } catch (error) {
    await pool.terminate();
    throw error;
  }
  const maximumPages = own?.maximum ?? pool.maximumPages;
  const common = {
    pool,
    maximumBytes: Math.min(limits.maximumBytes, maximumPages * PAGE_BYTES),
    description: plan.description,
    limitations: [...plan.limitations, ...narrowed(wanted.maximum * PAGE_BYTES, maximumPages * PAGE_BYTES)],
  };
  if (own) return new SharedEngine({ ...common, memory: own.memory });
  return new UnsharedEngine({ ...common, initialBytes: wanted.initial * PAGE_BYTES });
}
