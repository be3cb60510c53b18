/** What the app is made of on a phone: Expo's files and fetch, ONNX Runtime, Millet's store and NNAPI backend. */
import { onnxRuntime } from "@millet/backend-nnapi/onnx";
import { createStore } from "@millet/core/store";
import { fetch as streamingFetch } from "expo/fetch";
import * as ort from "onnxruntime-react-native";
import { NativeModules } from "react-native";
import { expoFiles } from "./files/expo-files";
import { runtimeFiles } from "./files/runtime-files";
import { storeFiles } from "./files/store-files";
import { phoneBackend } from "./phone-backend";
import { modelCalibration } from "./run/calibration";
import type { SessionSetup } from "./run/chat-session";
import { type DeviceFactsModule, readDeviceFacts } from "./run/device";

/** Longer contexts cost memory: the KV cache is float32. */
const CONTEXT_TOKENS = 1024;

const native: DeviceFactsModule | undefined = NativeModules.DeviceFacts;

export async function createSetup(): Promise<SessionSetup> {
  const facts = await readDeviceFacts(native);
  const shards = runtimeFiles(expoFiles("shards"));
  const store = createStore({ files: storeFiles(expoFiles("models")) });
  return {
    store,
    fetch: streamingFetch as typeof fetch,
    contextLength: CONTEXT_TOKENS,
    app: {
      millet: "0.0.0",
      runtime: ort.env.versions["react-native"] ?? "unknown",
      providers: ort.listSupportedBackends().map(({ name }) => name),
    },
    calibrate: (address, signal, onProgress) =>
      modelCalibration({ address, store, files: shards, backend: onnxRuntime({ ort }), signal, onProgress }),
    backend: (calibration, only) => phoneBackend({ files: shards, calibration, facts, only }),
    readFacts: () => readDeviceFacts(native),
  };
}
