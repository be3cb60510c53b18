/** Locks within one process, for places that only one process uses. Who waits gets its turn in order. */
import { abortedError } from "../../errors.js";
import type { LockOptions, Release } from "./place.js";

interface Waiter {
  readonly mode: LockOptions["mode"];
  grant(): void;
}

/** Holders of one name, and who waits for it. */
interface Lock {
  holders: number;
  mode: LockOptions["mode"];
  readonly waiting: Waiter[];
}

export class ProcessLocks {
  readonly #locks = new Map<string, Lock>();

  /** @returns undefined where the lock is taken and the caller does not wait @throws MilletError ABORTED */
  acquire(name: string, { mode, wait, signal }: LockOptions): Promise<Release | undefined> {
    if (signal?.aborted) return Promise.reject(abortedError(signal, "Waiting for a file"));
    const lock = this.#locks.get(name) ?? { holders: 0, mode, waiting: [] };
    this.#locks.set(name, lock);
    const isFree = lock.holders === 0 || (mode === "shared" && lock.mode === "shared");
    if (isFree && lock.waiting.length === 0) return Promise.resolve(this.#take(name, lock, mode));
    if (!wait) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const stop = () => {
        lock.waiting.splice(lock.waiting.indexOf(waiter), 1);
        this.#goOn(name, lock); // shared ones may have waited behind it
        reject(abortedError(signal, "Waiting for a file"));
      };
      const waiter = {
        mode,
        grant: () => {
          signal?.removeEventListener("abort", stop);
          resolve(this.#take(name, lock, mode));
        },
      };
      lock.waiting.push(waiter);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  #take(name: string, lock: Lock, mode: LockOptions["mode"]): Release {
    lock.mode = mode;
    lock.holders++;
    let isHeld = true;
    return async () => {
      if (!isHeld) return;
      isHeld = false;
      lock.holders--;
      this.#goOn(name, lock);
    };
  }

  #goOn(name: string, lock: Lock): void {
    for (let [next] = lock.waiting; next; [next] = lock.waiting) {
      if (lock.holders > 0 && (next.mode === "exclusive" || lock.mode === "exclusive")) return;
      lock.waiting.shift();
      next.grant();
    }
    if (lock.holders === 0) this.#locks.delete(name);
  }
}

const PLACES = new Map<string, ProcessLocks>();

/** One for all stores of a place. */
export function processLocks(location: string): ProcessLocks {
  const locks = PLACES.get(location) ?? new ProcessLocks();
  PLACES.set(location, locks);
  return locks;
}
