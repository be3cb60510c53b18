/** Writes safetensors files to a sink, piece by piece. Used by tests and the generator of random models. */
import { MilletError } from "../../errors.js";
import { SAFETENSORS_TYPES } from "./dtypes.js";

export interface SafetensorsContents {
  readonly name: string;
  /** As files write it: "BF16". */
  readonly type: string;
  readonly shape: readonly number[];
  /** All bytes, or a function that yields them in pieces when it is this tensor's turn. */
  readonly data: Uint8Array | (() => AsyncIterable<Uint8Array> | Iterable<Uint8Array>);
}

/**
 * @param sink takes bytes in order, which may be reused once its result has settled
 * @throws MilletError INVALID_ARGUMENT if data do not have the size that type and shape demand
 */
export async function writeSafetensors(
  sink: (bytes: Uint8Array) => void | Promise<void>,
  tensors: readonly SafetensorsContents[],
): Promise<void> {
  let offset = 0;
  const entries = tensors.map(({ name, type, shape }) => {
    const bits = SAFETENSORS_TYPES.get(type)?.bits ?? 0;
    const range = [offset, offset + shape.reduce((product, size) => product * size, bits) / 8];
    offset = range[1]!;
    return [name, { dtype: type, shape, data_offsets: range }] as const;
  });
  const text = JSON.stringify({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) });
  const json = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const header = new Uint8Array(8 + json.byteLength);
  new DataView(header.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  header.set(json, 8);
  await sink(header);
  for (const [i, { name, data }] of tensors.entries()) {
    const [start, end] = entries[i]![1].data_offsets as [number, number];
    let done = 0;
    for await (const piece of data instanceof Uint8Array ? [data] : data()) {
      done += piece.byteLength;
      await sink(piece);
    }
    if (done !== end - start) {
      throw new MilletError("INVALID_ARGUMENT", `Tensor ${name} takes ${end - start} bytes, not ${done}.`);
    }
  }
}
