/** The tuning run with a clock of its own: what is decided, in which order, and when it stops. */
import { describe, expect, test } from "vitest";
import { tune } from "../../src/tuning/tune.js";
import { FakeClock, fakeContest } from "./fake-contest.js";

describe("the tuning run", () => {
  test("decides every site while time is left", async () => {
    const clock = new FakeClock();
    const contests = [fakeContest(clock, "first", [2, 1]), fakeContest(clock, "second", [1, 2])];
    const { decisions, leftOut, problems } = await tune(contests, { budgetMs: 300, now: clock.now });
    expect([...decisions]).toEqual([
      ["first", { candidate: "b", gain: 2 }],
      ["second", { candidate: "a", gain: 1 }],
    ]);
    expect([leftOut, problems]).toEqual([[], []]);
  });

  test("leaves out what the time does not suffice for, and does not touch it", async () => {
    const clock = new FakeClock();
    const contests = ["first", "second", "third"].map((site) => fakeContest(clock, site, [10, 5]));
    const { decisions, leftOut } = await tune(contests, { budgetMs: 100, now: clock.now });
    expect([...decisions.keys()]).toEqual(["first", "second"]); // each takes 90 ms
    expect(leftOut).toEqual(["third"]);
    expect(contests[2]!.samples).toBe(0);
  });

  test("does without candidates that the device cannot run", async () => {
    const clock = new FakeClock();
    const contest = fakeContest(clock, "site", [4, undefined, 2]);
    const { decisions } = await tune([contest], { budgetMs: 300, now: clock.now });
    expect(decisions.get("site")).toEqual({ candidate: "c", gain: 2 });
  });

  test("takes no candidate that computes something else, and says so", async () => {
    const clock = new FakeClock();
    const { decisions, problems } = await tune([fakeContest(clock, "site", [4, -1])], {
      budgetMs: 300,
      now: clock.now,
    });
    expect(decisions.get("site")).toEqual({ candidate: "a", gain: 1 });
    expect(problems).toEqual([expect.stringMatching(/For site the kernel b .* something else than a/)]);
  });

  test("can be aborted", async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    controller.abort();
    const limits = { budgetMs: 300, now: clock.now, signal: controller.signal };
    await expect(tune([fakeContest(clock, "site", [4])], limits)).rejects.toMatchObject({ code: "ABORTED" });
  });
});
