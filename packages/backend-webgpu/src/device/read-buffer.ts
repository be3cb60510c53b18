/** Brings bytes of a device buffer to JavaScript, once: for self-tests and tools. Steps have pools of their own. */
import type { Device } from "./device.js";
import { failureOf, withErrorScopes } from "./error-scopes.js";
import { BufferUsage, MAP_READ } from "./flags.js";

/**
 * Bytes from `offset`, a multiple of 4, of a buffer with the usage CopySource, after all that was submitted.
 * @throws MilletError BACKEND_LOST, OUT_OF_MEMORY, BACKEND_FAILED
 */
export async function readBuffer(
  device: Device,
  buffer: GPUBuffer,
  offset: number,
  byteLength: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (byteLength === 0) return new Uint8Array(0);
  const size = Math.ceil(byteLength / 4) * 4; // WebGPU copies whole words
  const what = `Reading ${byteLength} bytes back`;
  const target = await withErrorScopes(device, what, () => {
    const usage = BufferUsage.CopyTarget | BufferUsage.MapRead;
    const staging = device.gpu.createBuffer({ label: "read-buffer", size, usage });
    const encoder = device.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
    device.gpu.queue.submit([encoder.finish()]);
    return staging;
  });
  try {
    await target.mapAsync(MAP_READ);
    return new Uint8Array(target.getMappedRange()).slice(0, byteLength);
  } catch (cause) {
    throw await failureOf(device, what, cause);
  } finally {
    target.destroy();
  }
}
