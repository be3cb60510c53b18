/** The app's backend on a phone: ONNX Runtime on its CPU provider, or on the one that the self-test asks for. */
import { onnxRuntime } from "@millet/backend-nnapi/onnx";
import * as ort from "onnxruntime-react-native";
import type { RuntimeFiles } from "./files/runtime-files";
import type { PlannedBackend, ProviderName } from "./run/backend";

export interface PhoneBackendOptions {
  readonly files: RuntimeFiles;
  /** Take this provider or fail. */
  readonly only?: ProviderName | undefined;
}

/** Models go through files: from memory, the runtime would ignore which provider it is to take. */
export function phoneBackend({ files, only = "cpu" }: PhoneBackendOptions): PlannedBackend {
  const { name, create } = onnxRuntime({ ort, files, session: { executionProviders: [only] } });
  const plan = {
    resolved: only,
    fallback: "cpu",
    toString: () => `Everything runs on the provider "${only}".`,
  };
  return {
    name,
    plan,
    async create(options) {
      // An unknown provider is dropped with a warning that nobody sees.
      const has = ort.listSupportedBackends().some((backend) => backend.name === only);
      if (!has) throw new Error(`This build of ONNX Runtime has no provider "${only}".`);
      return create(options);
    },
  };
}
