/** The reference backend passes its own suite, and the suite notices a backend that is wrong. */
import { type Backend, type BackendFactory, reference } from "@millet/core/backend";
import { describe, expect, test } from "vitest";
import { CASES, normalisedError, runCase, testBackend } from "../src/index.js";

testBackend(reference, { describe, test });

describe("the suite", () => {
  test("measures errors", () => {
    expect(normalisedError(Float32Array.of(1, 2), Float32Array.of(1, 2))).toBe(0);
    expect(normalisedError(Float32Array.of(1, 3), Float32Array.of(1, 2))).toBeCloseTo(0.2);
    expect(normalisedError(Float32Array.of(Number.NaN), Float32Array.of(1))).toBeNaN();
  });

  test("fails on a backend whose results are off", async () => {
    const bodies = new Map<string, () => Promise<void>>();
    testBackend(offByALittle, {
      describe: (_, body) => body(),
      test: (name, body) => bodies.set(name, body),
    });
    for (const { name } of [...CASES.add, ...CASES.attention]) {
      await expect(bodies.get(name)!(), name).rejects.toThrow("normalised error");
    }
  });

  test("gives the same data every time", async () => {
    const one = CASES.linear[0]!;
    const backend = await reference().create();
    const [a, b] = [await runCase(backend, one.create()), await runCase(backend, one.create())];
    expect(a).toEqual(b);
  });
});

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
