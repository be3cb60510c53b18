/** Contests whose candidates take made-up times, on a clock that they move on. */
import type { Contest } from "../../src/tuning/tune.js";

export class FakeClock {
  #time = 1000;

  readonly now = (): number => this.#time;

  pass(milliseconds: number): void {
    this.#time += milliseconds;
  }
}

export interface FakeContest extends Contest {
  /** Samples taken. */
  readonly samples: number;
}

/** @param times of the candidates "a", "b" and so on; undefined: the device cannot run it; negative: it is wrong */
export function fakeContest(
  clock: FakeClock,
  site: string,
  times: readonly (number | undefined)[],
): FakeContest {
  let samples = 0;
  return {
    site,
    candidates: times.map((_, i) => "abcdef"[i]!),
    prepare: async () => [...times.keys()].filter((i) => times[i] !== undefined),
    sample: async (list) => {
      samples += list.length;
      const taken = list.map((i) => Math.abs(times[i]!));
      clock.pass(taken.reduce((sum, time) => sum + time, 0));
      return taken;
    },
    agrees: async (i) => times[i]! > 0,
    get samples() {
      return samples;
    },
  };
}
