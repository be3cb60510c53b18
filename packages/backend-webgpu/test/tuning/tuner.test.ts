/** What is measured is kept and used again; records that are broken or of others count for nothing. */
import { beforeEach, describe, expect, test } from "vitest";
import type { WebgpuOptions } from "../../src/options.js";
import type { Site } from "../../src/tuning/sites.js";
import { resetTuning, Tuner } from "../../src/tuning/tuner.js";
import { memoryStore } from "../support/memory-store.js";
import { FakeClock, fakeContest } from "./fake-contest.js";

const DEVICE = {
  key: "a device",
  isSoftware: false,
  features: new Set(["subgroups", "packed-dot"] as const),
};
/** By site: times of the candidates. */
type Times = Readonly<Record<string, readonly number[]>>;

/** A load of a model with these sites, as the backend does it. */
async function load(times: Times, options: WebgpuOptions, device = DEVICE) {
  const clock = new FakeClock();
  const contests = Object.entries(times).map(([site, list]) => fakeContest(clock, site, list));
  const sites = contests.map(({ site, candidates }): Site => {
    return { name: site, candidates, graph: 0, program: 0, most: { tokens: 1, logits: 1 }, weightBytes: 1 };
  });
  const tuner = new Tuner(device, options, clock.now);
  const { choices, open } = await tuner.known(sites);
  const names = new Set(open.map(({ name }) => name));
  const own = contests.filter(({ site }) => names.has(site));
  const final = open.length > 0 ? await tuner.measure(sites, open, own) : choices;
  return {
    measured: contests.filter(({ samples }) => samples > 0).map(({ site }) => site),
    choices: sites.map(({ name }) => final.get(name)?.candidate),
    report: tuner.report().join(" "),
  };
}

const TIMES = { first: [4, 2], second: [2, 4] };

beforeEach(() => resetTuning());

describe("what a load measured", () => {
  test("is used by the next process, without measuring", async () => {
    const tuningStore = memoryStore();
    const first = await load(TIMES, { tuningStore });
    expect(first.measured).toEqual(["first", "second"]);
    expect(first.choices).toEqual(["b", "a"]);
    expect(first.report).toBe(
      "Choices among kernels: 2 measured in 56 ms. For first the kernel is b, 2.00 times as fast as a.",
    );
    resetTuning(); // another process; its times would say something else
    const second = await load({ first: [2, 4], second: [4, 2] }, { tuningStore });
    expect(second.measured).toEqual([]);
    expect(second.choices).toEqual(first.choices);
    expect(second.report).toBe(
      "Choices among kernels: 2 remembered from an earlier load. For first the kernel is b, 2.00 times as fast as a.",
    );
  });

  test("stays while the process lives, with or without a store", async () => {
    const tuningStore = { read: async () => undefined, write: async () => {} };
    await load(TIMES, { tuningStore });
    const second = await load({ first: [2, 4], second: [4, 2] }, { tuningStore });
    expect(second.measured).toEqual([]);
    expect(second.choices).toEqual(["b", "a"]);
  });

  test("what no time was left for keeps its default in this process; the next one measures it", async () => {
    const options = { tuningStore: memoryStore(), tuningBudgetMs: 10 };
    const first = await load(TIMES, options);
    expect([first.measured, first.choices]).toEqual([["first"], ["b", undefined]]);
    expect(first.report).toContain("1 measured in 36 ms, 1 not measured yet.");
    expect((await load(TIMES, options)).measured).toEqual([]);
    resetTuning();
    const later = await load(TIMES, options);
    expect([later.measured, later.choices]).toEqual([["second"], ["b", "a"]]);
    resetTuning();
    expect((await load(TIMES, options)).measured).toEqual([]);
  });

  test("is not used for another device", async () => {
    const tuningStore = memoryStore();
    await load(TIMES, { tuningStore });
    const other = await load(TIMES, { tuningStore }, { ...DEVICE, key: "another device" });
    expect(other.measured).toEqual(["first", "second"]);
  });

  test("a candidate that there is no more is measured again", async () => {
    const tuningStore = memoryStore();
    await load(TIMES, { tuningStore });
    resetTuning();
    const later = await load({ first: [4], second: [2, 1] }, { tuningStore });
    expect(later.measured).toEqual(["first"]);
    expect(later.choices).toEqual(["a", "a"]);
  });
});

describe("a record", () => {
  const good = async () => {
    const tuningStore = memoryStore();
    await load(TIMES, { tuningStore });
    resetTuning();
    const [[name, text]] = tuningStore.texts as unknown as [[string, string]];
    return { tuningStore, name, text };
  };

  test.each<[string, (text: string) => string]>([
    ["cut off", (text) => text.slice(0, -5)],
    ["empty", () => ""],
    ["no JSON", () => "<html>"],
    ["not an object", () => "[1]"],
    ["of another format", (text) => text.replace('"format":1', '"format":99')],
    ["of another device", (text) => text.replace("a device", "b device")],
    ["without sites", (text) => text.replace('"sites":{', '"sites":[{').replace("}}", "}]}")],
    ["with entries that are none", (text) => text.replace('["b",2]', '"b"').replace('["a",1]', '[1,"a"]')],
    ["of absurd size", (text) => text + " ".repeat(2 ** 20)],
  ])("that is %s counts for nothing", async (_, damage) => {
    const { tuningStore, name, text } = await good();
    const damaged = damage(text);
    expect(damaged).not.toBe(text);
    tuningStore.texts.set(name, damaged);
    const later = await load(TIMES, { tuningStore });
    expect(later.measured).toEqual(["first", "second"]);
    expect(later.choices).toEqual(["b", "a"]);
    expect(tuningStore.texts.get(name)).toBe(text); // a good one again
  });

  test("adds to what another process kept meanwhile", async () => {
    const tuningStore = memoryStore();
    await Promise.all([load({ first: [4, 2] }, { tuningStore }), load({ second: [4, 2] }, { tuningStore })]);
    resetTuning();
    const later = await load({ first: [2, 4], second: [2, 4] }, { tuningStore });
    expect(later.choices).toContain("b");
  });

  test("that cannot be read or kept is no error, and is told", async () => {
    const fail = async () => {
      throw new Error("the disk is full");
    };
    const { choices, report } = await load(TIMES, { tuningStore: { read: fail, write: fail } });
    expect(choices).toEqual(["b", "a"]);
    expect(report).toMatch(/could not be kept.*the disk is full/);
  });
});

describe("tuning is off", () => {
  test("where the app says so: nothing is measured or remembered", async () => {
    const tuningStore = memoryStore();
    await load(TIMES, { tuningStore });
    const off = await load(TIMES, { tuningStore, tuning: "off" });
    expect([off.measured, off.choices, off.report]).toEqual([[], [undefined, undefined], ""]);
  });

  test("where the processor emulates the GPU, unless the app wants it", async () => {
    const emulated = { ...DEVICE, isSoftware: true };
    expect((await load(TIMES, { tuningStore: memoryStore() }, emulated)).measured).toEqual([]);
    const on = await load(TIMES, { tuningStore: memoryStore(), tuning: "on" }, emulated);
    expect(on.measured).toEqual(["first", "second"]);
  });
});

describe("rounding", () => {
  const features = (options: WebgpuOptions) =>
    [...new Tuner({ ...DEVICE, features: new Set(["shader-f16", "packed-dot"]) }, options).features].sort();

  test("is for the app to allow, and for tuning to choose", () => {
    const tuningStore = memoryStore();
    expect(features({ tuningStore })).toEqual(["exact-halves"]);
    expect(features({ tuningStore, promptRounding: ["int8"] })).toEqual(["exact-halves", "packed-dot"]);
    expect(features({ tuningStore, promptRounding: ["f16"] })).toEqual(["exact-halves", "shader-f16"]);
    expect(features({ tuningStore, tuning: "off", promptRounding: ["f16"] })).toEqual(["exact-halves"]);
  });
});
