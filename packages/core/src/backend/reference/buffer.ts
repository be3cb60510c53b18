/** An output of the reference backend: computed already, but given out as sparingly as a device's. */
import { MilletError } from "../../errors.js";
import type { HostTensor, TensorSpec } from "../../tensor/tensor.js";
import type { DeviceBuffer } from "../backend.js";
import { isDeviceBuffer } from "../call.js";

export class ReferenceBuffer implements DeviceBuffer {
  readonly spec: TensorSpec;
  #result: HostTensor | MilletError;

  /** @param result why there is no value, if the call failed */
  constructor(spec: TensorSpec, result: HostTensor | MilletError) {
    this.spec = spec;
    this.#result = result;
  }

  /** The value, which stays. @throws MilletError why the call failed; DISPOSED after `read` and `dispose` */
  peek(): HostTensor {
    if (this.#result instanceof MilletError) throw this.#result;
    return this.#result;
  }

  async read(): Promise<HostTensor> {
    try {
      return this.peek();
    } finally {
      this.dispose();
    }
  }

  dispose(): void {
    this.#result = new MilletError("DISPOSED", "The output was read or disposed of before.");
  }
}

/**
 * An input's data.
 * @throws MilletError INVALID_ARGUMENT for an output of another backend; what `peek` throws
 */
export function dataOf(input: HostTensor | DeviceBuffer): HostTensor {
  if (!isDeviceBuffer(input)) return input;
  if (input instanceof ReferenceBuffer) return input.peek();
  throw new MilletError("INVALID_ARGUMENT", "An input is an output of another backend.");
}
