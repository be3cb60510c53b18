import { beforeEach, describe, expect, it } from "vitest";
import { KvCache } from "../../src/generate/kv-cache.js";
import type { Sequence } from "../../src/generate/sequence.js";
import { MockModel, type MockOptions, type MockState } from "./mock-model.js";

let state: MockState;
let cache: KvCache;

function create(options: MockOptions = {}, maxIdle = 4): void {
  const model = new MockModel(options);
  cache = new KvCache(model.createState(), maxIdle);
  state = model.states[0]!;
}

beforeEach(() => create());

/** Appends tokens as a step would: their rows hold them. */
async function write(sequence: Sequence, tokens: readonly number[]): Promise<void> {
  await cache.extend(sequence, tokens.length);
  tokens.forEach((token, i) => {
    const position = sequence.tokens.length + i;
    state.tokens[cache.row(sequence, position)] = token;
    state.positions[cache.row(sequence, position)] = position;
  });
  cache.append(sequence, tokens);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const stored = (sequence: Sequence) => sequence.tokens.map((_, i) => state.tokens[cache.row(sequence, i)]);

async function sequenceOf(tokens: readonly number[]): Promise<Sequence> {
  const sequence = cache.open([], 0);
  await write(sequence, tokens);
  return sequence;
}

describe("KvCache", () => {
  it("takes blocks as sequences grow, and no row twice", async () => {
    const a = await sequenceOf(range(0, 40));
    const b = await sequenceOf(range(100, 133));
    await write(a, range(40, 70));
    expect(stored(a)).toEqual(range(0, 70));
    expect(stored(b)).toEqual(range(100, 133));
    expect(cache.usedBlocks).toBe(5);
  });

  it("reuses the longest common prefix of an idle sequence, up to a limit", async () => {
    cache.close(await sequenceOf(range(0, 40)));
    cache.close(await sequenceOf([0, 1, 2, 99]));
    const next = cache.open([...range(0, 35), 7, 8], 36);
    expect(next.tokens).toEqual(range(0, 35));
    expect(stored(next)).toEqual(range(0, 35));
    expect(cache.open([0, 1, 2, 99], 3).tokens).toEqual([0, 1, 2]);
    expect(cache.open([5], 1).tokens).toEqual([]);
  });

  it("continues an idle sequence in place when the prompt goes on from its end", async () => {
    const first = await sequenceOf(range(0, 10));
    cache.close(first);
    expect(cache.open(range(0, 20), 19)).toBe(first);
    expect(cache.usedBlocks).toBe(1);
  });

  it("keeps an idle sequence whole when a prompt takes another way, and copies only the partial block", async () => {
    const first = await sequenceOf(range(0, 50));
    cache.close(first);
    const branch = cache.open([...range(0, 40), 77], 40);
    await write(branch, [77, 78]);
    expect(stored(branch)).toEqual([...range(0, 40), 77, 78]);
    expect(stored(first)).toEqual(range(0, 50));
    expect(cache.usedBlocks).toBe(3); // one shared, one each
  });

  it("forks: both go on without seeing each other", async () => {
    const first = await sequenceOf(range(0, 33));
    const fork = cache.fork(first);
    expect(cache.usedBlocks).toBe(2);
    await write(first, [1, 2]);
    await write(fork, [8, 9]);
    expect(stored(first)).toEqual([...range(0, 33), 1, 2]);
    expect(stored(fork)).toEqual([...range(0, 33), 8, 9]);
  });

  it("truncates, and writes behind the cut without harming a fork", async () => {
    const first = await sequenceOf(range(0, 64));
    const fork = cache.fork(first);
    cache.truncate(first, 40);
    await write(first, [7]);
    expect(stored(first)).toEqual([...range(0, 40), 7]);
    expect(stored(fork)).toEqual(range(0, 64));
  });

  it("remembers at most maxIdle sequences, the latest", async () => {
    create({}, 2);
    for (const token of [1, 2, 3]) cache.close(await sequenceOf([token]));
    expect(cache.open([1, 0], 1).tokens).toEqual([]);
    expect(cache.open([2, 0], 1).tokens).toEqual([2]);
    expect(cache.usedBlocks).toBe(2);
  });

  it("forgets idle sequences for room, the oldest first, then fails and stays usable", async () => {
    create({ maxBlocks: 3 });
    cache.close(await sequenceOf([1]));
    cache.close(await sequenceOf([2]));
    const open = await sequenceOf(range(0, 64));
    expect(cache.open([2, 0], 1).tokens).toEqual([2]);
    await expect(cache.extend(open, 1)).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
    expect(stored(open)).toEqual(range(0, 64));
    cache.drop(open);
    const next = await sequenceOf(range(0, 64));
    expect(stored(next)).toEqual(range(0, 64));
  });

  it("needs no copy of a block once looking for room has made the others forget it", async () => {
    create({ maxBlocks: 1 });
    cache.close(await sequenceOf([1, 2, 3]));
    const branch = cache.open([1, 2, 9], 2);
    await write(branch, [9]);
    expect(stored(branch)).toEqual([1, 2, 9]);
  });

  it("lives within the memory there is, although more was planned", async () => {
    create({ memoryBlocks: 2 });
    cache.close(await sequenceOf(range(0, 64)));
    const next = await sequenceOf(range(100, 150));
    expect(stored(next)).toEqual(range(100, 150));
    await expect(cache.extend(next, 64)).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
  });

  it("frees everything that is dropped, however it was shared", async () => {
    const first = await sequenceOf(range(0, 70));
    const forks = [cache.fork(first), cache.fork(first)];
    await write(forks[0]!, [1]);
    cache.close(first);
    for (const sequence of [first, ...forks]) cache.drop(sequence);
    cache.drop(first);
    expect(cache.usedBlocks).toBe(0);
  });

  it("refuses sequences that are closed", async () => {
    const first = await sequenceOf([1]);
    cache.close(first);
    expect(() => cache.truncate(first, 0)).toThrow(expect.objectContaining({ code: "DISPOSED" }));
    await expect(cache.extend(first, 1)).rejects.toMatchObject({ code: "DISPOSED" });
  });
});
