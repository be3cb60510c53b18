/**
 * How the threads of a call meet and stop: a barrier that spins, then sleeps, and the abort word.
 * In an unshared memory there is one thread and both are free.
 */
import { Fixed } from "./memory";

/**
 * Loads of the counter before a thread sleeps, about 50 microseconds at most: more than the threads' parts of a step
 * usually differ by. Where the system has taken the processor from another thread, spinning only keeps that thread
 * waiting longer, so a thread that waited in vain has less patience the next time, and regains it slowly.
 */
const MOST_SPINS: i32 = 200000;
const FEWEST_SPINS: i32 = 2000;
/** A sleeper looks for an abort this often. */
const SLEEP_NANOSECONDS: i64 = 1_000_000;

let arrivalsBeforeNextStep: i32 = 0;
let spins: i32 = MOST_SPINS;

export function beginCall(): void {
  arrivalsBeforeNextStep = 0;
}

/** True once the host has asked the call to stop. */
@inline
export function aborted(): bool {
  if (ASC_FEATURE_THREADS) return atomic.load<i32>(Fixed.Abort) != 0;
  return load<i32>(Fixed.Abort) != 0;
}

/** Returns when all threads of the call have arrived, or the call is aborted: check `aborted` after it. */
export function barrier(threads: i32): void {
  if (threads == 1) return;
  if (ASC_FEATURE_THREADS) {
    arrivalsBeforeNextStep += threads;
    const target = arrivalsBeforeNextStep;
    const arrivals = atomic.add<i32>(Fixed.Barrier, 1) + 1;
    if (arrivals == target) {
      if (atomic.load<i32>(Fixed.Sleepers) != 0) atomic.notify(Fixed.Barrier, -1);
      return;
    }
    for (let i = spins; i > 0; i--) {
      if (atomic.load<i32>(Fixed.Barrier) >= target) {
        spins = min(MOST_SPINS, spins + (spins >> 3));
        return;
      }
    }
    spins = max(FEWEST_SPINS, spins >> 2);
    sleepUntil(target);
  }
}

function sleepUntil(target: i32): void {
  if (ASC_FEATURE_THREADS) {
    atomic.add<i32>(Fixed.Sleepers, 1);
    while (!aborted()) {
      const arrivals = atomic.load<i32>(Fixed.Barrier);
      if (arrivals >= target) break;
      atomic.wait<i32>(Fixed.Barrier, arrivals, SLEEP_NANOSECONDS);
    }
    atomic.sub<i32>(Fixed.Sleepers, 1);
  }
}
