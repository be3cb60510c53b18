/** An app's code against the installed packages: compiled strictly, with their declarations checked, and run. */
import { readFileSync } from "node:fs";
import {
  checkNnapi,
  DEFAULT_API_LEVEL,
  NNAPI_RULES,
  type NnapiFactory,
  type NnapiReport,
  nnapi,
  type RuntimeFiles,
} from "@millet/backend-nnapi";
import { type OrtLike, onnxRuntime } from "@millet/backend-nnapi/onnx";
import { isMilletError, loadModel, type Model } from "@millet/core";
import { createStore, type Store } from "@millet/core/store";

/** What onnxruntime-react-native looks like to who has not installed it. */
export const ort: OrtLike = {
  InferenceSession: { create: () => Promise.reject(new Error("there is no runtime")) },
  Tensor: class {
    readonly data: unknown;
    constructor(
      readonly type: string,
      data: Float32Array | Int32Array | Uint8Array,
      readonly dims: readonly number[],
    ) {
      this.data = data;
    }
  },
};

export const store: Store = createStore();

/** A place for shards, as an app would write one. */
export const files: RuntimeFiles = {
  path: (name) => `/shards/${name}`,
  size: async () => undefined,
  readText: async () => "",
  write: async () => undefined,
  remove: async () => undefined,
};

export const accelerated: NnapiFactory = nnapi({
  ort: () => Promise.reject(new Error("Cannot read property 'install' of null")),
  files,
  apiLevel: 34,
});

export async function load(address: string): Promise<Model | string> {
  try {
    return await loadModel(address, { backend: [accelerated, onnxRuntime({ ort })], store });
  } catch (error) {
    return isMilletError(error) ? error.code : String(error);
  }
}

const report: NnapiReport = checkNnapi(readFileSync(process.argv[2] ?? ""), { apiLevel: DEFAULT_API_LEVEL });
const failure = await load("./no-such-file.gguf");
console.log(JSON.stringify({ partitions: report.partitions.length, rules: NNAPI_RULES.length, failure }));
