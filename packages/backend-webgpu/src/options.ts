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
  /**
   * Whether loading a model measures which of several kernels are fastest on this device. "auto": yes, but not where the
   * processor emulates a GPU; "on": there too; "off": no, and what earlier loads measured is not used either.
   */
  readonly tuning?: "auto" | "on" | "off";
  /** About how long a load may measure, in milliseconds. Default 300; what is left over is for the next load. */
  readonly tuningBudgetMs?: number;
  /** Keeps what was measured. Default: a file in the user's cache folder, in browsers the page's Cache storage. */
  readonly tuningStore?: TuningStore;
  /**
   * How kernels for prompts may round what they multiply with weights, should tuning find it faster: "int8" to 8-bit
   * integers with a scale per 32, as the CPU backend does; "f16" to 16-bit floats. Default: not at all.
   */
  readonly promptRounding?: readonly PromptRounding[];
  /** Runs every dispatch in a pass of its own and reports its time, where the device has timestamp queries. */
  readonly trace?: (dispatch: DispatchTrace) => void;
}

export type PromptRounding = "int8" | "f16";

/** Short texts by names. What it throws is taken for an empty store, and for a store that keeps nothing. */
export interface TuningStore {
  read(name: string): Promise<string | undefined>;
  write(name: string, text: string): Promise<void>;
}

/** What kernels have variants for. "packed-dot": `dot4I8Packed`, a language feature; the others are device features. */
export type OptionalFeature = "subgroups" | "shader-f16" | "packed-dot" | "timestamp-query";
