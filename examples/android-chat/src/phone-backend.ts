/** The app's backend on a phone: prompts on an accelerator where that wins, everything else on ONNX Runtime's CPU provider. */
import { type ActivationScales, nnapi } from "@millet/backend-nnapi";
import * as ort from "onnxruntime-react-native";
import { Platform } from "react-native";
import type { RuntimeFiles } from "./files/runtime-files";
import type { PlannedBackend, ProviderName } from "./run/backend";
import type { DeviceFacts } from "./run/device";

export interface PhoneBackendOptions {
  readonly files: RuntimeFiles;
  readonly calibration: ActivationScales;
  readonly facts: DeviceFacts;
  /** Take this provider or fail; otherwise the fastest that is right. */
  readonly only?: ProviderName | undefined;
}

/** Of the memory that is free when the app starts, this share may be the model's: Android ends apps that take it all. */
const MEMORY_SHARE = 0.6;

export function phoneBackend({ files, calibration, facts, only }: PhoneBackendOptions): PlannedBackend {
  const free = facts.system?.availableMemoryBytes;
  return nnapi({
    ort,
    files,
    calibration,
    apiLevel: Number(Platform.Version),
    device: facts.system?.fingerprint ?? "unknown",
    ...(free && { memoryBytes: Math.floor(free * MEMORY_SHARE) }),
    // The self-test wants the times of each, whether or not it wins.
    ...(only && { candidates: [only], strict: true, minSpeedup: 0, probe: "always" as const }),
  });
}
