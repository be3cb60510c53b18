/** What a KV cache needs, without a model. */
import type { Device } from "../../src/device/device.js";
import { readBuffer } from "../../src/device/read-buffer.js";
import type { KvRuntime } from "../../src/kv/state.js";
import { Stream } from "../../src/run/stream.js";

export function kvRuntime(device: Device): KvRuntime {
  const stream = new Stream(device);
  return {
    device,
    stream,
    readBytes(buffer, offset, byteLength) {
      stream.flush();
      return readBuffer(device, buffer, offset, byteLength);
    },
  };
}
