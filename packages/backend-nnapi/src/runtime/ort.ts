/**
 * What this package asks of an ONNX Runtime: the part of onnxruntime-common's interface that onnxruntime-node,
 * onnxruntime-web and onnxruntime-react-native share. The runtime is injected; nothing is imported.
 */

/** Element types of tensors that cross the border. */
export type OrtElement = "float32" | "int32" | "uint8";

export interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
  dispose?(): void;
}

/** An execution provider; the flags are those of NNAPI, which React Native's runtime passes on. */
export interface OrtProvider {
  readonly name: string;
  /** Compute float32 in float16. */
  readonly useFP16?: boolean;
  readonly useNCHW?: boolean;
  /** Never Android's own CPU implementation. From Android 10 on. */
  readonly cpuDisabled?: boolean;
  /** Only Android's own CPU implementation. From Android 10 on. */
  readonly cpuOnly?: boolean;
}

export interface OrtSessionOptions {
  readonly executionProviders?: readonly (string | OrtProvider)[];
  readonly intraOpNumThreads?: number;
  readonly interOpNumThreads?: number;
  readonly graphOptimizationLevel?: "disabled" | "basic" | "extended" | "layout" | "all";
  readonly executionMode?: "sequential" | "parallel";
}

export interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  run(
    feeds: Readonly<Record<string, OrtTensor>>,
    fetches: Readonly<Record<string, OrtTensor | null>>,
  ): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** An ONNX Runtime: `import ort from "onnxruntime-node"`, `import * as ort from "onnxruntime-react-native"`. */
export interface OrtLike {
  readonly InferenceSession: {
    create(path: string, options?: OrtSessionOptions): Promise<OrtSession>;
    create(bytes: Uint8Array, options?: OrtSessionOptions): Promise<OrtSession>;
  };
  readonly Tensor: {
    new (type: "float32", data: Float32Array, dims: readonly number[]): OrtTensor;
    new (type: "int32", data: Int32Array, dims: readonly number[]): OrtTensor;
    new (type: "uint8", data: Uint8Array, dims: readonly number[]): OrtTensor;
  };
  /** Providers that this build of the runtime has; onnxruntime-web has no such function. */
  listSupportedBackends?(): readonly { readonly name: string }[];
  readonly env?: {
    readonly versions?: {
      readonly common?: string;
      readonly node?: string;
      readonly web?: string;
      readonly "react-native"?: string;
    };
  };
}
