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
    expect(log.models.every(({ path }) => path !== undefined)).toBe(true);
    const providers = log.models.map(({ options }) => options!.executionProviders);
    expect(new Set(providers.map((list) => JSON.stringify(list)))).toEqual(
      new Set(['["cpu"]', JSON.stringify([{ name: "nnapi", ...flags }, "cpu"])]),
    );
    expect(log.models.every(({ options }) => options!.intraOpNumThreads === 2)).toBe(true);
  });

  test("a build without NNAPI says so in the plan", async () => {
    const { runtime: ort, log } = reactNativeRuntimeAt(folder, ["cpu", "xnnpack"]);
    const { plan } = await answer({}, { ort, minSpeedup: 0 });
    expect(plan).toMatchObject({ resolved: "none", reasons: [{ code: "BACKEND_UNAVAILABLE" }] });
    expect(log.models.flatMap(({ options }) => options!.executionProviders ?? [])).not.toContain("nnapi");
  });
});
