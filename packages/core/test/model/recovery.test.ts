/** Answers that survive the loss of their backend: as if nothing had happened, or with an error that keeps the text. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { BackendFactory, Executable } from "../../src/backend/index.js";
import { uniform } from "../../src/generate/philox.js";
import {
  type GenerationChunk,
  type LoadModelOptions,
  loadModel,
  MilletError,
  type Model,
  type RecoveryProgress,
} from "../../src/index.js";
import type { PromptOptions } from "../../src/model/types.js";
import { viewAs } from "../../src/tensor/tensor.js";
import { FragileDevice, type FragileEvent, type FragileFault } from "./fragile-backend.js";
import { tinyModel } from "./tiny-model.js";

const bytes = await tinyModel();
const PROMPT = "Once upon a time there was a device that went away";
const GREEDY: PromptOptions = {
  maxTokens: 14,
  temperature: 0,
  seed: 1,
  ignoreEndOfGeneration: true,
  logprobs: 2,
};
const SAMPLED: PromptOptions = { ...GREEDY, temperature: 1.5, topK: 0, topP: 0.98, minP: 0, seed: 7 };
/** No answer may hold the character that is deadly in one of the tests. */
const FORBID_PERCENT = { ["%".charCodeAt(0)]: -Infinity };
const LONG: PromptOptions = { ...SAMPLED, maxTokens: 76, logitBias: FORBID_PERCENT };
const SMALL: Partial<LoadModelOptions> = { promptChunkTokens: 16, contextLength: 128 };
const NOTHING = { backends: 0, models: 0, states: 0 };
const ONE = { backends: 1, models: 1, states: 1 };

const opened: Model[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const model of opened.splice(0)) await model.dispose();
});

async function load(
  device: BackendFactory | readonly BackendFactory[],
  options: Partial<LoadModelOptions> = {},
) {
  const model = await loadModel(bytes, { backend: device, ...SMALL, ...options });
  opened.push(model);
  return model;
}

/** What a generation gives, to its chunks, without the times and without what says how it was computed. */
async function outcome(model: Model, prompt: string, options: PromptOptions) {
  const stream = model.generate(prompt, options);
  const chunks: GenerationChunk[] = [];
  for await (const chunk of stream.chunks()) chunks.push(chunk);
  const { timings: _, reusedTokens: __, ...result } = await stream.result;
  return { chunks, result };
}

async function undisturbed<T>(
  use: (model: Model) => Promise<T>,
  options: Partial<LoadModelOptions> = {},
  samples = false,
): Promise<T> {
  const model = await loadModel(bytes, { backend: new FragileDevice({ samples }), ...SMALL, ...options });
  const result = await use(model);
  await model.dispose();
  return result;
}

/** A fault at these of the events of one kind. */
const at =
  (
    kind: FragileEvent,
    counts: readonly number[],
    fault: FragileFault = "BACKEND_LOST",
  ): FragileDevice["fault"] =>
  (event, count) =>
    event === kind && counts.includes(count) ? fault : undefined;

/** The device, with a say in each call. */
function intercepted(
  device: FragileDevice,
  intercept: (
    run: () => ReturnType<Executable["run"]>,
    tokens: readonly number[],
  ) => ReturnType<Executable["run"]>,
): BackendFactory {
  const wrap = (one: Executable): Executable => ({
    graph: one.graph,
    run: (call) => {
      const { tokens } = call.inputs;
      const known = tokens && "data" in tokens ? [...viewAs(tokens, "i32")] : [];
      return intercept(() => one.run(call), known);
    },
    toString: () => String(one),
  });
  return {
    name: device.name,
    async create() {
      const backend = await device.create();
      return {
        ...backend,
        async load(...request) {
          const model = await backend.load(...request);
          const executables = Object.entries(model.executables).map(([name, one]) => [name, wrap(one)]);
          return { ...model, executables: Object.fromEntries(executables) };
        },
      };
    },
  };
}

async function errorOf(work: Promise<unknown>): Promise<MilletError> {
  const error: unknown = await work.then(
    () => new Error("It did not fail."),
    (reason: unknown) => reason,
  );
  if (error instanceof MilletError) return error;
  throw error;
}

describe("an answer whose backend is lost", () => {
  describe.each([
    ["at once", false],
    ["later", false],
    ["never", false],
    ["at once", true],
    ["never", true],
  ] as const)("and says so %s, with steps queued ahead: %s", (announces, samples) => {
    it.each([
      ["greedy", GREEDY],
      ["sampled", SAMPLED],
    ])("goes on with the same tokens from any step: %s", async (_, options) => {
      const expected = await undisturbed((model) => outcome(model, PROMPT, options), {}, samples);
      const steps = Math.ceil(PROMPT.length / 16) + options.maxTokens! - 1;
      for (let step = 1; step <= steps; step++) {
        const device = new FragileDevice({ announces, samples, fault: at("step", [step]) });
        const model = await load(device);
        expect(await outcome(model, PROMPT, options)).toEqual(expected);
        expect(model.backend.recoveries.map(({ reason }) => reason.code)).toEqual(["BACKEND_LOST"]);
        expect(device.alive).toEqual(ONE);
        await model.dispose();
        expect(device.alive).toEqual(NOTHING);
      }
    });
  });

  it("goes on at random steps, with others at its side, and frees all that it made", async () => {
    const prompts = ["a", PROMPT, "x".repeat(70), `${PROMPT}!`, "Hello", "Another one that waits"];
    const options: PromptOptions[] = [
      GREEDY,
      SAMPLED,
      { ...SAMPLED, repetitionPenalty: 1.3, stop: ["zz", "q"] },
      { ...SAMPLED, seed: 9, maxTokens: 40, logprobs: undefined },
      { ...GREEDY, maxTokens: 1 },
      { ...SAMPLED, maxTokens: 90, onContextFull: "slide", keepTokens: 3 },
    ];
    const all = (model: Model) =>
      Promise.all(prompts.map((prompt, i) => outcome(model, prompt, options[i]!)));
    for (const [kvDType, samples] of [
      ["f32", false],
      ["q8_0", false],
      ["f32", true],
    ] as const) {
      const expected = await undisturbed(all, { kvDType }, samples);
      for (let seed = 1; seed <= 5; seed++) {
        let next = 1 + Math.floor(uniform(seed, 0) * 12);
        const device = new FragileDevice({
          samples,
          announces: (["at once", "later", "never"] as const)[seed % 3]!,
          fault(event, count) {
            if (event !== "step" || count !== next) return undefined;
            next += 14 + Math.floor(uniform(seed, count) * 20); // far enough for all to get on
            return "BACKEND_LOST";
          },
        });
        const model = await load(device, { kvDType });
        expect(await all(model)).toEqual(expected);
        expect(model.backend.recoveries.length).toBeGreaterThan(2);
        expect(device.alive).toEqual(ONE);
        expect(device.counts.create).toBe(1 + model.backend.recoveries.length);
        await model.dispose();
        expect(device.alive).toEqual(NOTHING);
      }
    }
  });

  it("starts one reload for all, which new ones wait for", async () => {
    const device = new FragileDevice();
    const model = await load(device);
    const ask = () => Promise.all(["a", "b", "c"].map((prompt) => outcome(model, prompt, GREEDY)));
    const expected = await ask();
    device.fault = at("step", [device.counts.step + 4]);
    const running = ask();
    await vi.waitUntil(() => device.counts.create === 2, { interval: 0 });
    const late = outcome(model, "d", GREEDY);
    expect(await running).toEqual(expected);
    expect(await late).toEqual(await undisturbed((other) => outcome(other, "d", GREEDY)));
    expect(device.counts).toMatchObject({ create: 2, load: 2, state: 2 });
  });

  it("survives a second loss before its next token: in loading, in replay", async () => {
    const expected = await undisturbed((model) => outcome(model, PROMPT, SAMPLED));
    const faults: [string, FragileDevice["fault"]][] = [
      [
        "create",
        (event, n) => at("step", [8])(event, n) ?? at("create", [2], "BACKEND_UNAVAILABLE")(event, n),
      ],
      ["load", (event, n) => at("step", [8])(event, n) ?? at("load", [2])(event, n)],
      ["state", (event, n) => at("step", [8])(event, n) ?? at("state", [2])(event, n)],
      ["reserve", (event, n) => at("step", [8])(event, n) ?? at("reserve", [2])(event, n)],
      ["first replay step", at("step", [8, 9])],
      ["last replay step", at("step", [8, 12])],
    ];
    for (const [where, fault] of faults) {
      const device = new FragileDevice({ fault });
      const model = await load(device);
      expect(await outcome(model, PROMPT, SAMPLED), where).toEqual(expected);
      expect(device.counts.create, where).toBe(3);
      expect(device.alive, where).toEqual(ONE);
    }
  });

  it("may lose it any number of times if it gets on in between", async () => {
    const expected = await undisturbed((model) => outcome(model, PROMPT, SAMPLED));
    const device = new FragileDevice({ fault: at("step", [5, 6, 13, 14, 22, 28]) });
    const model = await load(device);
    expect(await outcome(model, PROMPT, SAMPLED)).toEqual(expected);
    expect(model.backend.recoveries.length).toBe(6);
  });

  it("ends with an error that keeps the text if it gets lost a third time before a token", async () => {
    const expected = await undisturbed((model) => outcome(model, PROMPT, SAMPLED));
    const device = new FragileDevice({ fault: at("step", [8, 9, 10]) });
    const model = await load(device);
    const stream = model.generate(PROMPT, SAMPLED);
    let text = "";
    const reading = (async () => {
      for await (const piece of stream) text += piece;
    })();
    const error = await errorOf(reading);
    expect(error).toMatchObject({
      code: "BACKEND_LOST",
      message: expect.stringContaining("lost again before the next token"),
      cause: { code: "BACKEND_LOST" },
      details: { tokenIds: expected.result.tokenIds.slice(0, 4) },
    });
    expect(error.details.text).toBe(text);
    expect(await errorOf(stream.result)).toBe(error);
    expect(device.counts.create).toBe(3);
    expect(await outcome(model, PROMPT, SAMPLED)).toEqual(expected);
    expect(device.counts.create).toBe(4);
  });

  it("ends with an error if loading fails twice; each later call tries once", async () => {
    const expected = await undisturbed((model) => outcome(model, PROMPT, GREEDY));
    const device = new FragileDevice({ fault: at("step", [8]) });
    const model = await load(device);
    const broken: FragileDevice["fault"] = (event, count) =>
      at("step", [8])(event, count) ?? (event === "create" ? "BACKEND_UNAVAILABLE" : undefined);
    device.fault = broken;
    const error = await errorOf(model.generate(PROMPT, GREEDY).result);
    expect(error).toMatchObject({
      code: "BACKEND_LOST",
      message: expect.stringMatching(
        /^The backend was lost and .* BACKEND_LOST, as .* BACKEND_UNAVAILABLE, as/,
      ),
      cause: { code: "BACKEND_UNAVAILABLE" },
      details: { tokenIds: expected.result.tokenIds.slice(0, 4) },
    });
    expect(device.counts.create).toBe(3);
    expect(device.alive).toEqual(NOTHING);
    expect((await errorOf(model.score(PROMPT))).code).toBe("BACKEND_LOST");
    expect(device.counts.create).toBe(4);
    device.fault = () => undefined;
    expect(await outcome(model, PROMPT, GREEDY)).toEqual(expected);
    expect(device.counts.create).toBe(5);
    expect(model.backend.recoveries.length).toBe(1);
  });

  it("does not wait for a broken backend to free itself", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const expected = await undisturbed((model) => outcome(model, PROMPT, GREEDY));
    for (const lostDispose of ["hangs", "throws"] as const) {
      const device = new FragileDevice({ lostDispose, fault: at("step", [8]) });
      const model = await load(device);
      let done = false;
      const answer = outcome(model, PROMPT, GREEDY).finally(() => {
        done = true;
      });
      while (!done) {
        await vi.advanceTimersByTimeAsync(1000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await answer).toEqual(expected);
    }
  });

  it("does not wait for reads that never end", async () => {
    const expected = await undisturbed((model) => outcome(model, PROMPT, GREEDY));
    const device = new FragileDevice();
    let calls = 0;
    const stuck = intercepted(device, (run) => {
      if (++calls !== 8) return run();
      device.lose();
      const never = { read: () => new Promise<never>(() => {}), dispose: () => {} };
      return Object.fromEntries(Object.entries(run()).map(([name, { spec }]) => [name, { spec, ...never }]));
    });
    const model = await load(stuck);
    expect(await outcome(model, PROMPT, GREEDY)).toEqual(expected);
    expect(device.counts.create).toBe(2);
  });

  it("ends alone if it is what kills the device: the others go on", async () => {
    const others = ["a", "b", PROMPT];
    const ask = (model: Model) => others.map((prompt) => outcome(model, prompt, LONG));
    const expected = await undisturbed((model) => Promise.all(ask(model)));
    for (const first of [true, false]) {
      const device = new FragileDevice();
      const deadly = intercepted(device, (run, tokens) => {
        if (tokens.includes("%".charCodeAt(0))) device.lose();
        return run();
      });
      const model = await load(deadly);
      const poison = () => errorOf(outcome(model, "100 % deadly", { ...LONG, logitBias: FORBID_PERCENT }));
      const before = first ? poison() : undefined;
      const running = ask(model);
      const error = await (before ?? poison());
      expect(error).toMatchObject({ code: "BACKEND_LOST", details: { text: "", tokenIds: [] } });
      expect(await Promise.all(running)).toEqual(expected);
      expect(device.alive).toEqual(ONE);
    }
  });

  it("goes on in the chat, too", async () => {
    const talk = async (model: Model) => {
      const chat = model.createChat();
      const first = await chat.send("Hi", GREEDY).result;
      const second = await chat.send("And?", SAMPLED).result;
      await chat.dispose();
      return [first.tokenIds, second.tokenIds, chat.messages.length];
    };
    const long = { contextLength: 256 };
    const expected = await undisturbed(talk, long);
    const device = new FragileDevice({ fault: (event, count) => at("step", [12, 30])(event, count) });
    expect(await talk(await load(device, long))).toEqual(expected);
    expect(device.counts.create).toBe(3);
  });

  it("scores to the end as if nothing had happened", async () => {
    const scored = async (model: Model) => {
      const { elapsedMs: _, ...rest } = await model.score(PROMPT, { firstScored: 3 });
      return rest;
    };
    const expected = await undisturbed(scored);
    const device = new FragileDevice({ fault: at("step", [2, 5]) });
    expect(await scored(await load(device))).toEqual(expected);
    expect(device.counts.create).toBe(3);
  });
});

describe("a backend that is lost while nothing runs", () => {
  it("is freed at once and replaced by the next call", async () => {
    const device = new FragileDevice();
    const model = await load(device);
    const expected = await outcome(model, PROMPT, SAMPLED);
    const { backend } = model;
    device.lose();
    await vi.waitUntil(() => device.alive.backends === 0);
    expect(device.alive).toEqual(NOTHING);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(device.counts.create).toBe(1);
    expect(model.backend).toBe(backend);
    const again = model.generate(PROMPT, SAMPLED);
    expect((await again.result).tokenIds).toEqual(expected.result.tokenIds);
    expect((await again.result).reusedTokens).toBe(0);
    expect(device.alive).toEqual(ONE);
    expect(model.backend.recoveries.length).toBe(1);
  });

  it("is no trouble for dispose, nor for one that was lost and not replaced", async () => {
    for (const wait of [false, true]) {
      const device = new FragileDevice();
      const model = await load(device);
      device.lose();
      if (wait) await vi.waitUntil(() => device.alive.backends === 0);
      await model.dispose();
      expect(device.alive).toEqual(NOTHING);
    }
  });
});

describe("memory that runs out in an answer", () => {
  /** Together they take more blocks than are reserved at first. */
  const FOUR = ["a", "b", "c", PROMPT];

  /** No more than so many blocks, on the devices that `where` names. */
  const roomFor = (device: FragileDevice, blocks: number, where = () => true) => {
    device.fault = (event) =>
      event === "reserve" && device.blocks > blocks && where() ? "OUT_OF_MEMORY" : undefined;
  };

  it.each(["step", "reserve"] as const)(
    "loads the model again if one alone has too little: %s",
    async (event) => {
      const expected = await undisturbed((model) => outcome(model, PROMPT, LONG));
      const device = new FragileDevice();
      const first = () => device.counts.create === 1;
      if (event === "step") device.fault = at("step", [8], "OUT_OF_MEMORY");
      else roomFor(device, 2, first);
      const model = await load(device);
      expect(await outcome(model, PROMPT, LONG)).toEqual(expected);
      expect(model.backend.recoveries.map(({ reason }) => reason.code)).toEqual(["OUT_OF_MEMORY"]);
      expect(device.alive).toEqual(ONE);
    },
  );

  it("lets some wait for the others if they have too little together", async () => {
    const device = new FragileDevice();
    const model = await load(device);
    const expected = await Promise.all(FOUR.map((prompt) => outcome(model, prompt, LONG)));
    for (const blocks of [11, 7, 4]) {
      device.lose(); // the cache starts small
      roomFor(device, blocks);
      expect(await Promise.all(FOUR.map((prompt) => outcome(model, prompt, LONG)))).toEqual(expected);
    }
    expect(model.backend.recoveries.map(({ reason }) => reason.code)).toEqual(Array(3).fill("BACKEND_LOST"));
  });

  it("comes back from a step of all that does not fit", async () => {
    const expected = await undisturbed((model) =>
      Promise.all(FOUR.map((prompt) => outcome(model, prompt, LONG))),
    );
    const device = new FragileDevice({ fault: at("step", [9, 20, 21, 40], "OUT_OF_MEMORY") });
    const model = await load(device);
    expect(await Promise.all(FOUR.map((prompt) => outcome(model, prompt, LONG)))).toEqual(expected);
    expect(device.alive).toEqual(ONE);
  });

  it("ends the answers that have no room, if loading again does not help", async () => {
    const device = new FragileDevice();
    roomFor(device, 3);
    const model = await load(device);
    const expected = await undisturbed((other) => outcome(other, "a", LONG));
    const [short, long] = await Promise.allSettled([outcome(model, "a", LONG), outcome(model, PROMPT, LONG)]);
    expect(short).toEqual({ status: "fulfilled", value: expected });
    expect(long).toMatchObject({
      status: "rejected",
      reason: { code: "OUT_OF_MEMORY", details: { text: expect.any(String) } },
    });
    expect(model.backend.recoveries.length).toBe(2);
    expect(device.alive).toEqual(ONE);
  });

  it("is not tried where the cache is as full as it was planned", async () => {
    const device = new FragileDevice();
    const model = await load(device, { kvCapacityTokens: 128, maxSequences: 4 });
    const prompts = ["a", "b", "c", "d"].map((one) => one.repeat(40));
    const results = await Promise.allSettled(
      prompts.map((prompt) => model.generate(prompt, { ...GREEDY, maxTokens: 60 }).result),
    );
    const failed = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(failed.length).toBeGreaterThan(0);
    for (const error of failed) expect(error).toMatchObject({ code: "OUT_OF_MEMORY" });
    expect(device.counts.create).toBe(1);
  });
});

describe("the backends of the list", () => {
  it("take over where the one that served is not available any more", async () => {
    const gpu = new FragileDevice({ name: "gpu" });
    const spare = new FragileDevice({ name: "spare" });
    const model = await load([gpu, spare]);
    const expected = await outcome(model, PROMPT, SAMPLED);
    gpu.fault = (event, count) =>
      at("step", [24])(event, count) ?? at("create", [2], "BACKEND_UNAVAILABLE")(event, count);
    expect(await outcome(model, `${PROMPT}`, { ...SAMPLED })).toEqual(expected);
    expect(model.backend).toMatchObject({
      name: "spare",
      rejected: [{ name: "gpu", error: { code: "BACKEND_UNAVAILABLE" } }],
      recoveries: [{ lostBackend: "gpu", backend: "spare", reason: { code: "BACKEND_LOST" } }],
    });
    expect(gpu.alive).toEqual(NOTHING);
    expect(spare.alive).toEqual(ONE);
  });

  it("take over from one that is lost again before the next token", async () => {
    const gpu = new FragileDevice({ name: "gpu", fault: at("step", [8, 9, 10, 11]) });
    const spare = new FragileDevice({ name: "spare" });
    const expected = await undisturbed((model) => outcome(model, PROMPT, SAMPLED));
    const model = await load([gpu, spare]);
    expect(await outcome(model, PROMPT, SAMPLED)).toEqual(expected);
    expect(model.backend.recoveries.map(({ backend }) => backend)).toEqual(["gpu", "spare"]);
    expect([gpu.alive, spare.alive]).toEqual([NOTHING, ONE]);
  });

  it("come back in the caller's order, the one that served first", async () => {
    const [first, second] = [new FragileDevice({ name: "first" }), new FragileDevice({ name: "second" })];
    first.fault = at("create", [1], "BACKEND_UNAVAILABLE");
    second.fault = at("step", [8]);
    const model = await load([first, second]);
    await outcome(model, PROMPT, GREEDY);
    expect(model.backend.recoveries.map(({ backend }) => backend)).toEqual(["second"]);
    expect(first.counts.create).toBe(1);
  });
});

describe("stopping while the model is loaded again", () => {
  /** A model in the middle of an answer whose reload waits at `event` until `go`. */
  async function inRecovery(event: "open" | "create" | "load") {
    const device = new FragileDevice({ fault: at("step", [8]) });
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    let reached: () => void = () => {};
    const waiting = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const hold = async (here: string, when: boolean) => {
      if (here !== event || !when) return;
      reached();
      await gate;
    };
    const fetching = async (_: unknown, init?: RequestInit) => {
      await hold("open", device.counts.step > 0);
      init?.signal?.throwIfAborted();
      return new Response(bytes);
    };
    const factory = {
      name: "fragile",
      async create() {
        await hold("create", device.counts.create > 0);
        const backend = await device.create();
        const inner = backend.load;
        backend.load = async (...request) => {
          await hold("load", device.counts.load > 0);
          return inner(...request);
        };
        return backend;
      },
    };
    const options = { ...SMALL, backend: factory, fetch: fetching as typeof fetch, store: false } as const;
    const model = await loadModel("http://127.0.0.1/tiny.gguf", options);
    opened.push(model);
    const stream = model.generate(PROMPT, SAMPLED);
    await waiting;
    return { device, model, stream, go };
  }

  it.each(["open", "create", "load"] as const)(
    "an abort keeps the text, and the model recovers: in %s",
    async (event) => {
      const expected = await undisturbed((model) => outcome(model, PROMPT, SAMPLED));
      const { model, stream, go, device } = await inRecovery(event);
      stream.abort();
      const { finishReason, tokenIds } = await stream.result; // although the reload waits
      expect(finishReason).toBe("aborted");
      expect(tokenIds).toEqual(expected.result.tokenIds.slice(0, 4));
      go();
      expect(await outcome(model, PROMPT, SAMPLED)).toEqual(expected);
      expect(device.alive).toEqual(ONE);
      expect(device.counts.create).toBe(2);
    },
  );

  it.each(["open", "create", "load"] as const)("dispose leaves nothing behind: in %s", async (event) => {
    const { device, model, stream, go } = await inRecovery(event);
    const waiting = model.generate("b", GREEDY);
    const disposing = model.dispose();
    expect((await stream.result).finishReason).toBe("aborted");
    expect((await waiting.result).finishReason).toBe("aborted");
    go();
    await disposing;
    expect(device.alive).toEqual(NOTHING);
  });
});

describe("what the app hears", () => {
  it("is each phase of each try, and a record of what succeeded", async () => {
    const seen: RecoveryProgress[] = [];
    const device = new FragileDevice({
      fault: (event, n) => at("step", [8])(event, n) ?? at("create", [2], "BACKEND_UNAVAILABLE")(event, n),
    });
    const model = await load(device, { onRecovery: (progress) => seen.push(progress) });
    expect(model.backend.recoveries).toEqual([]);
    const begin = Date.now();
    await outcome(model, PROMPT, GREEDY);
    const phases = seen.map(({ phase }) => phase).filter((phase, i, all) => phase !== all[i - 1]);
    expect(phases).toEqual(["open", "failed", "open", "weights", "ready"]);
    for (const { reason } of seen) expect(reason).toMatchObject({ code: "BACKEND_LOST" });
    expect(seen.find(({ phase }) => phase === "failed")!.error).toMatchObject({
      code: "BACKEND_UNAVAILABLE",
    });
    const { weightBytes } = model.info;
    expect(seen.at(-1)).toMatchObject({ phase: "ready", loadedBytes: weightBytes, totalBytes: weightBytes });
    const [recovery, ...more] = model.backend.recoveries;
    expect(more).toEqual([]);
    expect(recovery).toMatchObject({
      lostBackend: "fragile",
      backend: "fragile",
      reason: { code: "BACKEND_LOST" },
    });
    expect(recovery!.elapsedMs).toBeGreaterThan(0);
    expect(recovery!.time.getTime()).toBeGreaterThanOrEqual(begin);
  });
});
