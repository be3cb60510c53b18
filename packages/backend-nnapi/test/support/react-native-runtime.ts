/**
 * onnxruntime-react-native's own JavaScript over a stand-in for its native part that computes with onnxruntime-node and
 * behaves as the C++ of version 1.24.3 does: memory counts from its first byte, options of models from memory are ignored,
 * and tensors given for outputs are written in place.
 */
import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import ort from "onnxruntime-node";
import type { OrtLike, OrtProvider, OrtSession, OrtSessionOptions } from "../../src/runtime/ort.js";

/** Not of this package, but of the folder's own. */
const PACKAGE = "onnxruntime-react-native";

/** ONNXTensorElementDataType. */
const TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7 } as const;
type TypeName = keyof typeof TYPES;

/** A tensor as the native part sees it. */
interface NativeTensor {
  readonly type: TypeName;
  readonly dims: readonly number[];
  readonly cpuData: Float32Array | Int32Array | Uint8Array;
}

type NativeTensors = Readonly<Record<string, NativeTensor>>;
type TensorConstructor = new (type: string, data: unknown, dims: readonly number[]) => NativeTensor;

/** What reached the native part. */
export interface NativeLog {
  readonly models: { readonly path: string | undefined; readonly options: OrtSessionOptions | undefined }[];
}

declare global {
  var milletTestOrtApi: unknown;
  var OrtApi: unknown;
}

/**
 * @param folder with onnxruntime-react-native installed
 * @param providers that the build of the native part has
 */
export function reactNativeRuntimeAt(folder: string, providers: readonly string[]) {
  const log: NativeLog = { models: [] };
  let Tensor: TensorConstructor;
  globalThis.OrtApi = undefined;
  globalThis.milletTestOrtApi = {
    version: "1.24.3",
    initOrtOnce(_: number, given: TensorConstructor) {
      Tensor = given;
    },
    listSupportedBackends: () => providers.map((name) => ({ name })),
    createInferenceSession: () => new NativeSession(providers, log, () => Tensor),
  };
  const stub = pathToFileURL(`${folder}react-native.cjs`).href;
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "react-native" ? { url: stub, shortCircuit: true } : next(specifier, context),
  });
  try {
    const require = createRequire(`${folder}package.json`);
    for (const path of Object.keys(require.cache)) {
      if (path.startsWith(folder)) delete require.cache[path]; // each has its own build of the native part
    }
    const runtime: OrtLike = require(PACKAGE);
    return { runtime, log };
  } finally {
    hooks.deregister();
  }
}

class NativeSession {
  readonly #providers: readonly string[];
  readonly #log: NativeLog;
  readonly #tensor: () => TensorConstructor;
  #session: ort.InferenceSession | undefined;

  constructor(providers: readonly string[], log: NativeLog, tensor: () => TensorConstructor) {
    this.#providers = providers;
    this.#log = log;
    this.#tensor = tensor;
  }

  /** Two arguments count: a path and options, or a buffer and what follows it, which is a number and so no options. */
  async loadModel(model: string | ArrayBuffer, second: unknown): Promise<void> {
    const options = typeof second === "object" && second !== null ? (second as OrtSessionOptions) : undefined;
    for (const provider of options?.executionProviders ?? []) this.#checkProvider(provider);
    const path = typeof model === "string" ? model.replace(/^file:\/*(?=\/)/, "") : undefined;
    this.#log.models.push({ path, options });
    this.#session = await (typeof model === "string"
      ? ort.InferenceSession.create(path!)
      : ort.InferenceSession.create(new Uint8Array(model)));
  }

  #checkProvider(provider: string | OrtProvider): void {
    const name = typeof provider === "string" ? provider : provider.name;
    if (!this.#providers.includes(name)) throw new Error(`Unsupported execution provider: ${name}`);
  }

  get inputMetadata() {
    return this.#session!.inputMetadata.map(metadata);
  }

  get outputMetadata() {
    return this.#session!.outputMetadata.map(metadata);
  }

  async run(feeds: NativeTensors, fetches: Readonly<Record<string, NativeTensor | null>>) {
    const session: OrtSession = this.#session!;
    const inputs = Object.fromEntries(
      Object.entries(feeds).map(([name, tensor]) => [name, fromMemory(tensor)]),
    );
    const outputs = Object.fromEntries(
      Object.entries(fetches).map(([name, tensor]) => [name, tensor && fromMemory(tensor)]),
    );
    const results = await session.run(inputs, outputs);
    const Tensor = this.#tensor();
    return Object.fromEntries(
      Object.entries(results).map(([name, { type, data, dims }]) => [
        name,
        fetches[name] ?? new Tensor(type, data, dims),
      ]),
    );
  }

  endProfiling(): void {}

  dispose(): void {
    this.#session = undefined;
  }
}

/** As many elements as its shape has, from the first byte of its memory on. */
function fromMemory({ type, dims, cpuData }: NativeTensor) {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const memory = cpuData.buffer as ArrayBuffer;
  if (type === "float32") return new ort.Tensor(type, new Float32Array(memory, 0, count), dims);
  if (type === "int32") return new ort.Tensor(type, new Int32Array(memory, 0, count), dims);
  if (type === "uint8") return new ort.Tensor(type, new Uint8Array(memory, 0, count), dims);
  throw new Error(`Unsupported tensor data type: ${type}`);
}

function metadata(value: ort.InferenceSession.ValueMetadata) {
  if (!value.isTensor)
    return { name: value.name, isTensor: false, type: 0, shape: [], symbolicDimensions: [] };
  const shape = value.shape.map((dim) => (typeof dim === "number" ? dim : -1));
  const symbolicDimensions = value.shape.map((dim) => (typeof dim === "string" ? dim : ""));
  return { name: value.name, isTensor: true, type: TYPES[value.type as TypeName], shape, symbolicDimensions };
}
