/**
 * A runtime without the traps of onnxruntime-react-native: it takes a buffer from its first byte whatever a view says, drops
 * options of models that come from memory, and leaves out providers that it lacks with no more than a warning.
 */
import { MilletError } from "@millet/core/errors";
import type { OrtLike, OrtSession, OrtSessionOptions, OrtTensor } from "./ort.js";

type Elements = Float32Array | Int32Array | Uint8Array;

/** The same runtime, whose tensors copy views and whose sessions are as asked for or not made. */
export function guardedRuntime(ort: OrtLike): OrtLike {
  const construct = (
    target: OrtLike["Tensor"],
    [type, data, dims]: ConstructorParameters<OrtLike["Tensor"]>,
  ) => Reflect.construct(target, [type, fromFirstByte(data), dims]) as OrtTensor;
  return {
    Tensor: new Proxy(ort.Tensor, { construct }),
    InferenceSession: {
      async create(model: string | Uint8Array, options?: OrtSessionOptions): Promise<OrtSession> {
        checkProviders(ort, options);
        if (typeof model === "string") return ort.InferenceSession.create(model, options);
        if (isReactNative(ort) && options !== undefined) throw ignored(options);
        return ort.InferenceSession.create(wholeBuffer(model), options);
      },
    },
    ...(ort.listSupportedBackends && { listSupportedBackends: () => ort.listSupportedBackends!() }),
    ...(ort.env && { env: ort.env }),
  };
}

export function isReactNative({ env }: OrtLike): boolean {
  return env?.versions?.["react-native"] !== undefined;
}

/** "react-native 1.24.3", "node 1.30.0"; what else it says of itself where it names neither. */
export function runtimeVersion({ env }: OrtLike): string {
  const versions = Object.entries(env?.versions ?? {});
  const [name, version] = versions.find(([key]) => key !== "common") ?? versions[0] ?? ["unknown", "version"];
  return `${name} ${version}`;
}

/** Names of the providers that the runtime has; undefined if it does not tell. */
export function supportedProviders(ort: OrtLike): readonly string[] | undefined {
  return ort.listSupportedBackends?.().map(({ name }) => name);
}

/** @throws MilletError BACKEND_UNAVAILABLE naming the provider that is not there */
function checkProviders(ort: OrtLike, options: OrtSessionOptions | undefined): void {
  const supported = supportedProviders(ort);
  for (const provider of options?.executionProviders ?? []) {
    const name = typeof provider === "string" ? provider : provider.name;
    if (supported === undefined || supported.includes(name)) continue;
    throw new MilletError(
      "BACKEND_UNAVAILABLE",
      `This build of ONNX Runtime has no provider "${name}", only ${supported.join(", ")}, and would go on without a word.`,
      { details: { provider: name, supported } },
    );
  }
}

function ignored(options: OrtSessionOptions): MilletError {
  return new MilletError(
    "ORT_RN_BUFFER_LOAD_IGNORES_OPTIONS",
    `onnxruntime-react-native ignores the options ${Object.keys(options).join(", ")} of a model that comes from memory. ` +
      "Write the model to a file and open it by its path.",
    { details: { options } },
  );
}

function fromFirstByte<Array extends Elements>(data: Array): Elements {
  return data.byteOffset === 0 ? data : data.slice();
}

function wholeBuffer(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
