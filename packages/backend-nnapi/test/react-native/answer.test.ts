/** An answer over the JavaScript that apps have on Android: nothing that its native part does is done behind our back. */
import { expect, test } from "vitest";
import { describeWith, reactNativeRuntime } from "../../../../test/support/availability.js";
import { tinyAnswers } from "../support/answers.js";
import { reactNativeRuntimeAt } from "../support/react-native-runtime.js";

describeWith(reactNativeRuntime(), "nnapi() on onnxruntime-react-native", (folder) => {
  const { answer } = tinyAnswers();

  test("prompts run on NNAPI with its flags, from files, and the answer is the same", async () => {
    const { runtime: ort, log } = reactNativeRuntimeAt(folder, ["cpu", "xnnpack", "nnapi"]);
    const flags = { useFP16: true, cpuDisabled: true };
    const { plan } = await answer({}, { ort, flags, minSpeedup: 0, threads: 2 });
    expect(plan).toMatchObject({ resolved: "nnapi", runtime: "react-native 1.24.3" });
    // The first model is a node or two, to see what the runtime does; the others are the model in its files.
    const models = log.models.filter(({ options }) => options !== undefined);
    expect(log.models.length - models.length).toBeLessThanOrEqual(2);
    expect(models.every(({ path, options }) => path !== undefined && options!.intraOpNumThreads === 2)).toBe(
      true,
    );
    const providers = models.map(({ options }) => JSON.stringify(options!.executionProviders));
    const accelerated = JSON.stringify([{ name: "nnapi", ...flags }, "cpu"]);
    expect(new Set(providers)).toEqual(new Set(['["cpu"]', accelerated]));
  });

  test("a build without NNAPI says so in the plan", async () => {
    const { runtime: ort, log } = reactNativeRuntimeAt(folder, ["cpu", "xnnpack"]);
    const { plan } = await answer({}, { ort, minSpeedup: 0 });
    expect(plan).toMatchObject({ resolved: "none", reasons: [{ code: "BACKEND_UNAVAILABLE" }] });
    expect(log.models.flatMap(({ options }) => options?.executionProviders ?? [])).not.toContain("nnapi");
  });
});
