/** What an app may choose of the WebGPU backend. */

/** Time that the device spent on one dispatch. */
export interface DispatchTrace {
  /** Name of the graph: "decode". */
  readonly program: string;
  readonly index: number;
  /** Name of the kernel with its variant. */
  readonly kernel: string;
  /** The weight or value that the dispatch serves. */
  readonly label: string;
  readonly elapsedMs: number;
}

export interface WebgpuOptions {
  /**
   * The WebGPU entry point. Default: `navigator.gpu`; in Node, that of the package `webgpu` if it is installed.
   * In Node pass your own with `create([...])` from "webgpu" to choose a driver.
   */
  readonly gpu?: GPU;
  /** A device of the app's own, with the features and limits that it asked for; it is not destroyed in the end. */
  readonly device?: GPUDevice;
  /** Which adapter to ask for. Default "high-performance". */
  readonly powerPreference?: GPUPowerPreference;
  /** Features that must not be used although the device has them, to work around a driver, and for tests. */
  readonly withoutFeatures?: readonly OptionalFeature[];
  /** Features without which this backend is not to be used: creating it fails, and the next one of the list serves. */
  readonly requiredFeatures?: readonly OptionalFeature[];
  /** Runs every dispatch in a pass of its own and reports its time, where the device has timestamp queries. */
  readonly trace?: (dispatch: DispatchTrace) => void;
}

/** What kernels have variants for. "packed-dot": `dot4I8Packed`, a language feature; the others are device features. */
export type OptionalFeature = "subgroups" | "shader-f16" | "packed-dot" | "timestamp-query";
