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

export interface OrtSessionOptions {
  readonly executionProviders?: readonly (string | { readonly name: string })[];
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
}
