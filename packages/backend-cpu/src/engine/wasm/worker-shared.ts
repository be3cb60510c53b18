/**
 * A worker on shared memory: it waits for the host to count up the generation, walks the program, and counts itself
 * finished. After a call it spins a moment, because the next one usually follows at once, then sleeps. It never
 * returns: the host terminates it.
 */
import { Fixed } from "../../../assembly/memory.js";
import type { StartMessage } from "./protocol.js";
import type { EngineExports, Post } from "./worker-types.js";

const SPIN_MILLISECONDS = 0.05;

export function serveShared(
  engine: EngineExports,
  memory: WebAssembly.Memory,
  { thread, threads, announce }: StartMessage,
  post: Post,
): void {
  const control = new Int32Array(memory.buffer, 0, Fixed.Static / 4);
  let seen = 0;
  for (;;) {
    seen = nextGeneration(control, seen);
    runCall(engine, control, thread, threads, post);
    if (Atomics.add(control, Fixed.Finished / 4, 1) + 1 < threads) continue;
    if (announce) post({ type: "finished" });
    else Atomics.notify(control, Fixed.Finished / 4);
  }
}

/**
 * Spins, then sleeps, until the generation is another than `seen`. A sleeper may be woken for the call that it has just
 * run: the host counts up first and wakes afterwards, and the system may hold it up in between.
 */
function nextGeneration(control: Int32Array, seen: number): number {
  const index = Fixed.Generation / 4;
  const end = performance.now() + SPIN_MILLISECONDS;
  while (performance.now() < end) {
    if (Atomics.load(control, index) !== seen) break;
  }
  while (Atomics.load(control, index) === seen) Atomics.wait(control, index, seen);
  return Atomics.load(control, index);
}

function runCall(
  engine: EngineExports,
  control: Int32Array,
  thread: number,
  threads: number,
  post: Post,
): void {
  try {
    engine.run(Atomics.load(control, Fixed.Program / 4) >>> 0, thread, threads);
  } catch (error) {
    // The others must not wait for the share that this thread had taken.
    Atomics.store(control, Fixed.Failed / 4, 1);
    Atomics.store(control, Fixed.Abort / 4, 1);
    post({ type: "failed", message: String(error) });
  }
}
