/**
 * How the threads of a call share a program without waiting for one that the system has put aside. The steps between two
 * barriers make a segment. A segment has as many shares as there are threads, and any thread may take any of them, its
 * own first; it is complete when all are done, whoever did them. What a share computes is fixed by its number, so results
 * stay the same. The host zeroes the words before each call, when no thread is in one. Also the abort word.
 */
import { Fixed } from "./memory";

/**
 * Loads of the counter before a thread sleeps, about 50 microseconds at most: more than the shares of a segment usually
 * differ by. Where the system has taken the processor from another thread, spinning only keeps that thread waiting longer,
 * so a thread that waited in vain has less patience the next time, and regains it slowly. The least is still more than
 * most waits take: sleeping and waking cost more.
 */
const MOST_SPINS: i32 = 200000;
const FEWEST_SPINS: i32 = 50000;
/** A sleeper looks for an abort this often. */
const SLEEP_NANOSECONDS: i64 = 1_000_000;

let spins: i32 = MOST_SPINS;

/** True once the host has asked the call to stop. */
@inline
export function aborted(): bool {
  if (ASC_FEATURE_THREADS) return atomic.load<i32>(Fixed.Abort) != 0;
  return load<i32>(Fixed.Abort) != 0;
}

/** Takes a share of a segment, `preferred` if it is free. @returns -1 if all are taken */
export function claim(segment: i32, preferred: i32, shares: i32): i32 {
  if (ASC_FEATURE_THREADS) {
    for (let i = 0; i < shares; i++) {
      const share = preferred + i < shares ? preferred + i : preferred + i - shares;
      const next = <usize>Fixed.Claims + (<usize>share << 6);
      if (atomic.load<i32>(next) != segment) continue;
      if (atomic.cmpxchg<i32>(next, segment, segment + 1) == segment) return share;
    }
  }
  return -1;
}

/** Says that a claimed share is done; with the last one the segment is complete. */
export function finish(segment: i32, shares: i32): void {
  if (ASC_FEATURE_THREADS) {
    if (atomic.add<i32>(Fixed.Done, 1) + 1 != (segment + 1) * shares) return;
    atomic.store<i32>(Fixed.Complete, segment + 1);
    if (atomic.load<i32>(Fixed.Sleepers) != 0) atomic.notify(Fixed.Complete, -1);
  }
}

/** Waits until a segment is complete. @returns how many are by then; `segment` or less only after an abort */
export function waitFor(segment: i32): i32 {
  if (ASC_FEATURE_THREADS) {
    for (let i = spins; i > 0; i--) {
      const complete = atomic.load<i32>(Fixed.Complete);
      if (complete > segment) {
        spins = min(MOST_SPINS, spins + (spins >> 3));
        return complete;
      }
    }
    spins = max(FEWEST_SPINS, spins >> 2);
    atomic.add<i32>(Fixed.Sleepers, 1);
    while (!aborted() && atomic.load<i32>(Fixed.Complete) <= segment) {
      atomic.wait<i32>(Fixed.Complete, segment, SLEEP_NANOSECONDS);
    }
    atomic.sub<i32>(Fixed.Sleepers, 1);
    return atomic.load<i32>(Fixed.Complete);
  }
  return segment + 1;
}
