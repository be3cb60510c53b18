/** Steps that take their tokens from the step before on the device give what the same steps give one by one. */
import type { Backend, DeviceBuffer } from "@millet/core/backend";
import { isMilletError } from "@millet/core/errors";
import { settingsRow, unpackCandidates } from "@millet/core/ops";
import { type HostTensor, tensorOf, viewAs } from "@millet/core/tensor";
import { ints } from "../case.js";
import { check, floats, sameBits } from "../compare.js";
import { Decoder, SAMPLING, type SamplingInputs } from "./step.js";

const PROMPT = [5, 17, 90, 3, 41, 8, 8];
const STEPS = 6;
/** Greedy, without the tokens that just came. */
const SETTINGS = settingsRow(
  {
    temperature: 0,
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    frequencyPenalty: 0,
    presencePenalty: 50,
    penaltyTokens: 4,
  },
  0,
);

type Outputs = Readonly<Record<string, DeviceBuffer>>;

const settings = (rows: number): HostTensor =>
  tensorOf("f32", [rows, SETTINGS.length], Array.from({ length: rows }, () => SETTINGS).flat());

/** The prompt but for its last token. */
function prefill(decoder: Decoder): Promise<HostTensor> {
  const tokens = PROMPT.slice(0, -1);
  const history = ints(Array<number>(tokens.length * SAMPLING.history).fill(-1), [
    tokens.length,
    SAMPLING.history,
  ]);
  const sampling = { history, settings: settings(tokens.length) };
  const outputs = decoder.enqueue([{ sequence: 0, tokens, start: 0 }], sampling);
  dispose(outputs, ["token", "history", "candidates"]);
  return outputs.logits!.read();
}

/** The step of the last token of `text`; `before` brings the token and the history that count instead. */
function step(
  decoder: Decoder,
  text: readonly number[],
  before: Partial<SamplingInputs> = {},
  signal?: AbortSignal,
): Outputs {
  const span = { sequence: 0, tokens: text.slice(-1), start: text.length - 1 };
  return decoder.enqueue([span], { history: historyOf(text), settings: settings(1), ...before }, signal);
}

/** What a step takes from the one before. */
function from({ token, history }: Outputs): Partial<SamplingInputs> {
  return { tokens: token!, history: history! };
}

function historyOf(text: readonly number[]): HostTensor {
  return ints(text.slice(-SAMPLING.history), [1, SAMPLING.history]);
}

interface Step {
  readonly token: number;
  readonly logits: HostTensor;
}

async function readStep({ token, candidates, logits, history }: Outputs): Promise<Step> {
  const [id] = viewAs(await token!.read(), "i32");
  const packed = unpackCandidates(floats(await candidates!.read()), SAMPLING.history);
  check(packed.token === id, `token is ${id}, in the candidates ${packed.token}`);
  history!.dispose();
  return { token: id!, logits: await logits!.read() };
}

/** Each step read before the next begins. */
async function oneByOne(backend: Backend): Promise<Step[]> {
  return using(backend, async (decoder) => {
    const text = [...PROMPT];
    const steps: Step[] = [];
    while (steps.length < STEPS) {
      const done = await readStep(step(decoder, text));
      steps.push(done);
      text.push(done.token);
    }
    check(new Set(text.slice(-SAMPLING.history)).size === SAMPLING.history, "the history does not penalize");
    return steps;
  });
}

async function using<T>(backend: Backend, body: (decoder: Decoder) => Promise<T>): Promise<T> {
  const decoder = await Decoder.load(backend, { weights: "f32", kv: "f32" }, undefined, true);
  try {
    await prefill(decoder);
    return await body(decoder);
  } finally {
    await decoder.dispose();
  }
}

/** A text of which only the length counts. */
const padded = (added: number): number[] => [...PROMPT, ...Array<number>(added).fill(0)];

/** Steps 0 .. count - 1, each from the one before. @param signal of the first */
function enqueueAll(decoder: Decoder, count: number, signal?: AbortSignal): Outputs[] {
  const steps = [step(decoder, PROMPT, {}, signal)];
  while (steps.length < count) steps.push(step(decoder, padded(steps.length), from(steps.at(-1)!)));
  return steps;
}

function dispose(outputs: Outputs, names = Object.keys(outputs)): void {
  for (const name of names) outputs[name]!.dispose();
}

export const QUEUE_CHECKS: Readonly<Record<string, (backend: Backend) => Promise<void>>> = {
  "queued steps give the same bits as steps one by one": async (backend) => {
    const expected = await oneByOne(backend);
    await using(backend, async (decoder) => {
      const steps = await Promise.all(enqueueAll(decoder, STEPS).map(readStep));
      steps.forEach(({ token, logits }, i) => {
        check(token === expected[i]!.token, `step ${i} chose ${token}, not ${expected[i]!.token}`);
        check(sameBits(logits, expected[i]!.logits), `step ${i}: logits differ`);
      });
    });
  },

  "an output lives until it is read or disposed of, whatever runs": async (backend) => {
    const expected = await oneByOne(backend);
    const text = [...PROMPT, expected[0]!.token, expected[1]!.token];
    await using(backend, async (decoder) => {
      const first = step(decoder, PROMPT);
      const second = step(decoder, padded(1), from(first));
      dispose(first, ["token", "history"]); // the second step has taken them
      for (let use = 0; use < 5; use++) {
        const third = step(decoder, padded(2), { tokens: second.token!, history: historyOf(text) });
        const { token } = await readStep(third);
        check(token === expected[2]!.token, `use ${use}: step 2 chose ${token}`);
      }
      check(sameBits(await first.logits!.read(), expected[0]!.logits), "logits of step 0 were written over");
      dispose(first);
      dispose(second);
      dispose(second); // again, without effect
    });
  },

  "a rewritten step takes the place of queued ones": async (backend) => {
    const expected = await oneByOne(backend);
    await using(backend, async (decoder) => {
      for (const outputs of enqueueAll(decoder, 4)) dispose(outputs);
      const other = (expected[0]!.token + 1) % 90;
      dispose(step(decoder, [...PROMPT, other]));
      const text = [...PROMPT, expected[0]!.token];
      const { logits } = await readStep(step(decoder, text));
      check(sameBits(logits, expected[1]!.logits), "a row of a void step was seen");
    });
  },

  "what follows an aborted step fails like it": async (backend) => {
    const expected = await oneByOne(backend);
    await using(backend, async (decoder) => {
      const abort = new AbortController();
      abort.abort();
      for (const outputs of enqueueAll(decoder, 3, abort.signal)) {
        const failure = await outputs.candidates!.read().catch((error: unknown) => error);
        check(isMilletError(failure) && failure.code === "ABORTED", `got ${String(failure)}`);
        dispose(outputs);
      }
      const { logits } = await readStep(step(decoder, PROMPT));
      check(sameBits(logits, expected[0]!.logits), "the next step differs");
    });
  },
};
