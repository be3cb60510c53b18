/** The reference backend passes its own suite, and the suite notices a backend that is wrong. */
import { type Backend, type BackendFactory, reference } from "@millet/core/backend";
import { describe, expect, test } from "vitest";
import {
  CASES,
  normalisedError,
  OPTIONAL_OPS,
  runCase,
  type TestBackendOptions,
  testBackend,
  WEIGHT_TYPES,
} from "../src/index.js";

testBackend(reference, { describe, test, weightTypes: WEIGHT_TYPES, optionalOps: OPTIONAL_OPS });

describe("the suite", () => {
  test("measures errors", () => {
    expect(normalisedError(Float32Array.of(1, 2), Float32Array.of(1, 2))).toBe(0);
    expect(normalisedError(Float32Array.of(1, 3), Float32Array.of(1, 2))).toBeCloseTo(0.2);
    expect(normalisedError(Float32Array.of(Number.NaN), Float32Array.of(1))).toBeNaN();
  });

  test("fails on a backend whose results are off", async () => {
    const run = declared(offByALittle);
    for (const { name } of [...CASES.add, ...CASES.attention]) {
      await expect(run(name), name).rejects.toThrow("normalised error");
    }
  });

  test("skips what needs a weight type that the backend lacks, unless it is promised", async () => {
    const names = [
      "linear q4_k[9, 256], 1 rows, bias",
      "embedding q4_k[7, 256] x 1",
      "q4_k: alone and among others",
    ];
    const run = declared(withoutQ4K);
    const promised = declared(withoutQ4K, { weightTypes: ["q4_k"] });
    for (const name of names) {
      expect(await run(name)).toBe("the backend does not support q4_k");
      await expect(promised(name)).rejects.toThrow(expect.objectContaining({ code: "GRAPH_UNSUPPORTED_OP" }));
      expect(await run(name.replace("q4_k", "q5_k"))).toBeUndefined();
    }
  });

  test("does not skip what f32 weights would not help", async () => {
    const run = declared(() => withSupport(({ op }) => op !== "linear"));
    for (const name of ["linear f32[9, 256], 1 rows", "linear q4_k[9, 256], 1 rows"]) {
      await expect(run(name)).rejects.toThrow(expect.objectContaining({ code: "GRAPH_UNSUPPORTED_OP" }));
    }
  });

  test("gives the same data every time", async () => {
    const one = CASES.linear[0]!;
    const backend = await reference().create();
    const [a, b] = [await runCase(backend, one.create()), await runCase(backend, one.create())];
    expect(a).toEqual(b);
  });
});

/** The tests of a backend, to be run by name; each gives the reason if it skips itself. */
function declared(create: () => BackendFactory, options: Partial<TestBackendOptions> = {}) {
  const bodies = new Map<string, Parameters<TestBackendOptions["test"]>[1]>();
  testBackend(create, {
    ...options,
    describe: (_, body) => body(),
    test: (name, body) => bodies.set(name, body),
  });
  return async (name: string): Promise<string | undefined> => {
    let skipped: string | undefined;
    await bodies.get(name)!({ skip: (reason) => void (skipped = reason) });
    return skipped;
  };
}

/** The reference without kernels for some nodes. */
function withSupport(supports: Backend["supports"]): BackendFactory {
  return {
    name: "partial",
    async create(): Promise<Backend> {
      return Object.assign(await reference().create(), { supports });
    },
  };
}

function withoutQ4K(): BackendFactory {
  return withSupport(({ inputs }) => inputs.every(({ spec }) => spec.dtype !== "q4_k"));
}

/** The reference with every float of its outputs one part in a thousand too large. */
function offByALittle(): BackendFactory {
  return {
    name: "off",
    async create(): Promise<Backend> {
      const backend = await reference().create();
      const load: Backend["load"] = async (...args) => {
        const model = await backend.load(...args);
        const executables = Object.entries(model.executables).map(([name, executable]) => {
          const run: typeof executable.run = (call) => {
            const outputs = Object.entries(executable.run(call)).map(([key, buffer]) => {
              const read = async () => {
                const tensor = await buffer.read();
                const data = Float32Array.from(
                  new Float32Array(tensor.data.slice().buffer),
                  (x) => x * 1.001,
                );
                return { spec: tensor.spec, data: new Uint8Array(data.buffer) };
              };
              return [key, { ...buffer, read }];
            });
            return Object.fromEntries(outputs);
          };
          return [name, { graph: executable.graph, run }];
        });
        return { ...model, executables: Object.fromEntries(executables) };
      };
      return {
        name: "off",
        capabilities: backend.capabilities,
        lost: backend.lost,
        supports: (node) => backend.supports(node),
        estimate: (...args) => backend.estimate(...args),
        load,
        dispose: () => backend.dispose(),
      };
    },
  };
}
