/** An embedding in JavaScript's memory, as its file has it: rows are decoded when they are asked for. */
import { dequantize } from "@millet/core/quant";
import { byteLength, rowByteLength, type TensorSpec, type WeightSource } from "@millet/core/tensor";

export class EmbeddingTable {
  readonly #spec: TensorSpec;
  readonly #bytes: Uint8Array;

  private constructor(spec: TensorSpec, bytes: Uint8Array) {
    this.#spec = spec;
    this.#bytes = bytes;
  }

  static async read(source: WeightSource, signal?: AbortSignal): Promise<EmbeddingTable> {
    const bytes = new Uint8Array(byteLength(source.spec));
    await source.readInto(0, bytes, signal);
    return new EmbeddingTable(source.spec, bytes);
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  get columns(): number {
    return this.#spec.shape[1]!;
  }

  /** @param ids within the table @returns f32[ids, columns] */
  rows(ids: Int32Array, scale: number): Float32Array {
    const rowBytes = rowByteLength(this.#spec);
    const result = new Float32Array(ids.length * this.columns);
    ids.forEach((id, i) => {
      const row = dequantize(this.#spec.dtype, this.#bytes.subarray(id * rowBytes, (id + 1) * rowBytes));
      result.set(scale === 1 ? row : row.map((value) => value * scale), i * this.columns);
    });
    return result;
  }
}
