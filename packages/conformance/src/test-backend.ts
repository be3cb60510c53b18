/** Declares the conformance tests of a backend. Failures throw plain errors, so no assertion library is needed. */
import {
  type Backend,
  type BackendFactory,
  type KvDType,
  type KvSnapshot,
  reference,
} from "@millet/core/backend";
import { isMilletError } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import type { DType } from "@millet/core/tensor";
import type { OpCase } from "./case.js";
import { CASES } from "./cases/index.js";
import { QUEUE_CHECKS } from "./checks/queued-steps.js";
import { chunksThatDiffer, rowsCase } from "./checks/rows.js";
import {
  concat,
  DECODER,
  DECODER_KV,
  Decoder,
  type DecoderTypes,
  decoderGraph,
  logitRowBytes,
} from "./checks/step.js";
import { check, floats, normalisedError, sameBytes as same, sameBits } from "./compare.js";
import { lackedOptionalOp, type OptionalOp } from "./optional-ops.js";
import { Random } from "./random.js";
import { runOutputs } from "./run-case.js";
import { lackedWeightType, WEIGHT_TYPES } from "./weight-types.js";

/** What the runner hands to a running test. */
export interface TestContext {
  /** Reports the test as skipped, with the reason. */
  skip(reason: string): void;
}

export interface TestBackendOptions {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: (context: TestContext) => Promise<void>) => void;
  /**
   * Weight types that the backend promises; f32 always is. A test that needs another type is skipped, with the reason,
   * where the backend does not support it; one of a promised type then fails.
   */
  readonly weightTypes?: readonly DType[];
  /** The same for types of the KV cache. */
  readonly kvDTypes?: readonly KvDType[];
  /** The same for ops that a backend may lack: see OPTIONAL_OPS. */
  readonly optionalOps?: readonly OptionalOp[];
  /** Cases by name that this backend cannot do yet, with the reason. One that passes all the same fails. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** Types that the decoder checks run with: weights of each kind, since every type has its own cases of ops. */
const DECODER_TYPES: readonly DecoderTypes[] = [
  ...(["f32", "f16", "q4_0", "q4_1", "q8_0"] as const).map((weights) => ({ weights, kv: "f32" as const })),
  { weights: "f32", kv: "f16" },
  { weights: "f32", kv: "q8_0" },
];

/**
 * Declares one test per op case and the checks of a whole decoder.
 * @param create the backend under test, made anew for each test
 */
export function testBackend(create: () => BackendFactory, options: TestBackendOptions): void {
  const { describe, test, weightTypes = [], kvDTypes = [], optionalOps = [] } = options;
  const declare = (
    name: string,
    graph: () => Graph,
    body: (backend: Backend) => Promise<void>,
    kv: KvDType = "f32",
  ) =>
    test(name, async (context) => {
      const backend = await create().create();
      try {
        const lacked = lackedWeightType(backend, graph());
        const lackedOp = lackedOptionalOp(backend, graph());
        const lacksKv = !backend.capabilities.kvDTypes.includes(kv);
        if (lacked && !weightTypes.includes(lacked)) context.skip(`the backend does not support ${lacked}`);
        else if (lackedOp && !optionalOps.includes(lackedOp)) context.skip(`the backend has no ${lackedOp}`);
        else if (lacksKv && !kvDTypes.includes(kv)) context.skip(`the backend has no KV cache of ${kv}`);
        else await expectOutcome(options.skip?.[name], () => body(backend));
      } finally {
        await backend.dispose();
      }
    });
  for (const [op, cases] of Object.entries<readonly OpCase[]>(CASES)) {
    describe(`op ${op}`, () => {
      for (const one of cases) {
        declare(
          one.name,
          () => one.create().graph,
          (backend) => checkCase(backend, one),
          one.kvDType,
        );
      }
    });
  }
  describe("rows of a product", () => {
    for (const dtype of WEIGHT_TYPES) {
      declare(
        `${dtype}: alone and among others`,
        () => rowsCase(dtype).graph,
        async (backend) => {
          const chunks = await chunksThatDiffer(backend, dtype);
          check(chunks === undefined, `chunks of ${chunks} rows give other bits than all rows at once`);
        },
      );
    }
  });
  describe("queued steps", () => {
    for (const [name, run] of Object.entries(QUEUE_CHECKS)) {
      declare(name, () => decoderGraph("f32", true), run);
    }
  });
  for (const types of DECODER_TYPES) {
    const name = types.kv === "f32" ? types.weights : `${types.weights}, ${types.kv} cache`;
    describe(`decoder with ${name} weights`, () => {
      for (const [check, run] of Object.entries(DECODER_CHECKS)) {
        declare(
          `${name}: ${check}`,
          () => decoderGraph(types.weights),
          (backend) => run(backend, types),
          types.kv,
        );
      }
    });
  }
}

/** Runs a test; one with a reason to be skipped must still fail, or the reason is out of date. */
async function expectOutcome(skipReason: string | undefined, body: () => Promise<void>): Promise<void> {
  if (skipReason === undefined) return body();
  const passed = await body().then(
    () => true,
    () => false,
  );
  if (passed) throw new Error(`Passes although skipped (${skipReason}): take it off the list.`);
}

/** The op's outputs against the reference's. */
async function checkCase(backend: Backend, one: OpCase): Promise<void> {
  const built = one.create();
  const actual = await runOutputs(backend, built);
  const expected = await runOutputs(await reference().create(), built);
  expected.forEach((outputs, call) => {
    for (const [name, { spec }] of Object.entries(outputs)) {
      const { shape } = actual[call]![name]!.spec;
      check(`${shape}` === `${spec.shape}`, `call ${call}: shape of ${name} is [${shape}]`);
    }
    const problem = (one.compare ?? byTolerance(one.tolerance))(actual[call]!, outputs, built.calls[call]!);
    check(problem === undefined, `call ${call}: ${problem}`);
  });
}

function byTolerance(tolerance: number): NonNullable<OpCase["compare"]> {
  return (actual, expected) => {
    const [a, b] = [actual.out!, expected.out!];
    const error = tolerance === 0 && sameBits(a, b) ? 0 : errorOf(floats(a), floats(b));
    return error <= tolerance ? undefined : `normalised error ${error} is above ${tolerance}`;
  };
}

function errorOf(actual: Float32Array, expected: Float32Array): number {
  const error = normalisedError(actual, expected);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

const tokensOf = (seed: number, count: number): number[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.below(DECODER.vocabulary));
};

async function using<T>(decoder: Promise<Decoder>, body: (decoder: Decoder) => Promise<T>): Promise<T> {
  const loaded = await decoder;
  try {
    return await body(loaded);
  } finally {
    await loaded.dispose();
  }
}

type Check = (backend: Backend, types: DecoderTypes) => Promise<void>;

const bits = (backend: Backend, types: DecoderTypes, tokens: readonly number[], chunks: readonly number[]) =>
  using(Decoder.load(backend, types), (decoder) => decoder.runChunked(tokens, chunks));

/** Checks of a whole decoder by name. */
const DECODER_CHECKS: Readonly<Record<string, Check>> = {
  "logits are close to the reference's": async (backend, types) => {
    const tokens = tokensOf(1, 40);
    const actual = await bits(backend, types, tokens, [37, 1, 1, 1]);
    const expected = await bits(await reference().create(), types, tokens, [37, 1, 1, 1]);
    const error = errorOf(new Float32Array(actual.buffer), new Float32Array(expected.buffer));
    const exact = types.weights === "f32" || types.weights === "f16";
    const tolerance = exact ? 1e-6 : 3e-3;
    check(error <= tolerance, `normalised error ${error} is above ${tolerance}`);
  },

  "any chunk sizes give the same bits": async (backend, types) => {
    const tokens = tokensOf(2, 70);
    const whole = await bits(backend, types, tokens, [48, 22]);
    for (const chunks of [Array<number>(70).fill(1), [1, 31, 2, 33, 3], [5, 47, 18]]) {
      check(same(await bits(backend, types, tokens, chunks), whole), `chunks ${chunks} differ from 48 + 22`);
    }
  },

  "batch mates change no bit": async (backend, types) => {
    const texts = [tokensOf(3, 20), tokensOf(4, 35), tokensOf(5, 7)];
    const alone: Uint8Array[] = [];
    for (const tokens of texts) {
      const rest = Array<number>(tokens.length - 4).fill(1);
      alone.push(await bits(backend, types, tokens, [4, ...rest]));
    }
    await using(Decoder.load(backend, types), async (decoder) => {
      const together = texts.map((): Uint8Array[] => []);
      const run = async (start: number, size: number) => {
        const spans = texts
          .map((tokens, sequence) => ({ sequence, tokens: tokens.slice(start, start + size), start }))
          .filter((span) => span.tokens.length > 0);
        const logits = await decoder.run(spans);
        let offset = 0;
        for (const { sequence, tokens } of spans) {
          const bytes = tokens.length * logitRowBytes();
          together[sequence]!.push(logits.data.slice(offset, offset + bytes));
          offset += bytes;
        }
      };
      await run(0, 4);
      for (let start = 4; start < 35; start++) await run(start, 1);
      together.forEach((parts, s) =>
        check(same(concat(parts), alone[s]!), `sequence ${s} differs from alone`),
      );
    });
  },

  "the order of cache blocks changes no bit": async (backend, types) => {
    const tokens = tokensOf(6, 70);
    const inOrder = await bits(backend, types, tokens, [40, 30]);
    const table = [9, 2, 7, 4, 1, 0, 3, 5, 6, 8, 10, 11];
    const scattered = await using(Decoder.load(backend, types, table), (d) => d.runChunked(tokens, [40, 30]));
    check(same(scattered, inOrder), "blocks out of order give other results");
  },

  "rows that are read, written and copied carry on the same": async (backend, types) => {
    const tokens = tokensOf(7, 50);
    const expected = (await bits(backend, types, tokens, [40, 10])).slice(40 * logitRowBytes());
    await using(Decoder.load(backend, types), async (decoder) => {
      await decoder.runChunked(tokens, [40]);
      const snapshots: KvSnapshot[] = [];
      for (const [position, count] of [
        [0, 32],
        [32, 8],
      ] as const) {
        snapshots.push(await decoder.state.read(decoder.row(0, position), count));
      }
      await decoder.state.write(decoder.row(1, 0), snapshots[0]!);
      await decoder.state.write(decoder.row(1, 32), snapshots[1]!);
      await decoder.state.copy(decoder.row(0, 0), decoder.row(2, 0), 32);
      await decoder.state.copy(decoder.row(0, 32), decoder.row(2, 32), 8);
      for (const sequence of [1, 2, 0]) {
        const logits = await decoder.run([{ sequence, tokens: tokens.slice(40), start: 40 }]);
        check(same(logits.data, expected), `sequence ${sequence} differs`);
      }
    });
  },

  "an aborted call fails as ABORTED and leaves the model usable": async (backend, types) => {
    const tokens = tokensOf(8, 40);
    const expected = await bits(backend, types, tokens, [40]);
    await using(Decoder.load(backend, types), async (decoder) => {
      const span = { sequence: 0, tokens, start: 0 };
      const failure = await decoder.run([span], AbortSignal.abort()).catch((error: unknown) => error);
      check(
        isMilletError(failure) && failure.code === "ABORTED",
        `got ${String(failure)} instead of ABORTED`,
      );
      check(same((await decoder.run([span])).data, expected), "the next call differs");
    });
  },

  "too many blocks fail as OUT_OF_MEMORY and leave the state usable": async (backend, types) => {
    const tokens = tokensOf(9, 3);
    await using(Decoder.load(backend, types), async (decoder) => {
      const before = await decoder.runChunked(tokens, [3]);
      const failure = await decoder.state.reserve(DECODER_KV.maxBlocks + 1).catch((error: unknown) => error);
      check(isMilletError(failure) && failure.code === "OUT_OF_MEMORY", `got ${String(failure)}`);
      check(same(await decoder.runChunked(tokens, [3]), before), "the next call differs");
    });
  },
};
