/** The choice among candidates, with times that a test makes up. */
import { describe, expect, test } from "vitest";
import { fastest } from "../../src/tuning/fastest.js";

/** Candidates of these speeds; each sample is off by noise of a generator (Lehmer 1951), and by what the machine does. */
function candidates(times: readonly number[], noise: number, load: (sample: number) => number = () => 1) {
  let state = 77;
  let samples = 0;
  const asked: number[][] = [];
  const sample = async (list: readonly number[]) => {
    asked.push([...list]);
    const slow = load(samples++);
    return list.map((i) => {
      state = (state * 48271) % 2147483647;
      return times[i]! * slow * (1 + noise * (state / 2147483647 - 0.5));
    });
  };
  return { count: times.length, sample, asked };
}

async function winnerOf({ count, sample }: ReturnType<typeof candidates>) {
  return fastest(count, sample);
}

describe("the fastest candidate", () => {
  test("is the one with the least time", async () => {
    const { winner, gain } = await winnerOf(candidates([10, 8, 5, 9], 0));
    expect(winner).toBe(2);
    expect(gain).toBeCloseTo(2);
  });

  test("is the default if others win by little", async () => {
    const { winner, gain } = await winnerOf(candidates([10, 9.7, 9.6, 10.2], 0));
    expect(winner).toBe(0);
    expect(gain).toBe(1);
  });

  test("is the earlier one of two that are about equal", async () => {
    expect((await winnerOf(candidates([10, 5, 4.9], 0))).winner).toBe(1);
  });

  test("is found although the machine slows down meanwhile", async () => {
    expect((await winnerOf(candidates([10, 12, 8], 0.02, (sample) => 1 + sample))).winner).toBe(2);
  });

  test("is the default among equals, whatever the noise", async () => {
    for (const noise of [0.05, 0.2, 0.5]) {
      const { winner } = await winnerOf(candidates([10, 10, 10, 10], noise));
      expect(winner, `noise ${noise}`).toBe(0);
    }
  });

  test("is not one that only wins now and then", async () => {
    const sample = async (list: readonly number[]) =>
      list.map((i) => (i === 0 ? 10 : turns++ % 2 === 0 ? 2 : 30));
    let turns = 1;
    expect((await fastest(2, sample)).winner).toBe(0);
  });

  test("what is far slower is measured no more", async () => {
    const made = candidates([10, 30, 8], 0);
    expect((await winnerOf(made)).winner).toBe(2);
    expect(made.asked).toEqual([[0, 1, 2], [0, 1, 2], ...Array.from({ length: 4 }, () => [0, 2])]);
  });

  test("of one is that one", async () => {
    expect(await winnerOf(candidates([3], 0))).toEqual({ winner: 0, gain: 1 });
  });
});
