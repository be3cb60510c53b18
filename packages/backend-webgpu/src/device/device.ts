/**
 * An open WebGPU device with what the rest of the package asks of it: features, limits, pipelines and buffers whose
 * failures are typed errors, and the news of its loss. How it is found is the business of open-device.ts.
 */
import type { MilletError } from "@millet/core/errors";
import type { OptionalFeature } from "../options.js";

export interface Device {
  readonly gpu: GPUDevice;
  /** One line for people: vendor, architecture, driver. */
  readonly description: string;
  /** Identifies device and driver, for what is remembered of them. */
  readonly key: string;
  /** Whether the processor does the work of a GPU. */
  readonly isSoftware: boolean;
  /** That the device has and the app did not forbid. */
  readonly features: ReadonlySet<OptionalFeature>;
  readonly limits: GPUSupportedLimits;
  /** What is off or slower than it could be, and why; each a full sentence. */
  readonly limitations: readonly string[];
  /** Settles when the device is gone, by itself or by `destroy`; never rejects. */
  readonly lost: Promise<MilletError>;
  /** Destroys the device unless it is the app's. */
  destroy(): void;
}
