/** The tensors of a GGUF model as lazy weights. Asking for one of a type that Millet cannot compute with throws. */
import { MilletError, type MilletErrorCode } from "../../errors.js";
import type { ByteSource } from "../../tensor/byte-source.js";
import { byteLength } from "../../tensor/tensor.js";
import type { WeightSource, WeightSources } from "../../tensor/weights.js";
import type { GgufTensor } from "./tensors.js";

/** A tensor and the file in which it lies. */
export interface PlacedTensor extends GgufTensor {
  readonly source: ByteSource;
}

/** Weights by tensor name. `get` and iteration throw GGUF_UNKNOWN_QUANT_TYPE for what has no dtype; `has` does not. */
export class GgufWeights implements WeightSources {
  readonly #tensors: ReadonlyMap<string, PlacedTensor>;

  constructor(tensors: ReadonlyMap<string, PlacedTensor>) {
    this.#tensors = tensors;
  }

  get size(): number {
    return this.#tensors.size;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  get(name: string): WeightSource | undefined {
    const tensor = this.#tensors.get(name);
    return tensor && weightOf(tensor);
  }

  keys(): MapIterator<string> {
    return this.#tensors.keys();
  }

  *values(): Generator<WeightSource, undefined> {
    for (const tensor of this.#tensors.values()) yield weightOf(tensor);
  }

  *entries(): Generator<[string, WeightSource], undefined> {
    for (const [name, tensor] of this.#tensors) yield [name, weightOf(tensor)];
  }

  [Symbol.iterator](): Generator<[string, WeightSource], undefined> {
    return this.entries();
  }

  forEach(visit: (weight: WeightSource, name: string, map: WeightSources) => void): void {
    for (const [name, weight] of this) visit(weight, name, this);
  }
}

function weightOf({ name, type, spec, offset, source }: PlacedTensor): WeightSource {
  if (!spec) {
    throw tensorError(
      "GGUF_UNKNOWN_QUANT_TYPE",
      `${source.name}: tensor ${JSON.stringify(name)} is stored as ${type.name}, which Millet cannot compute with. ` +
        "Get the model in another quantization, such as Q4_0 or Q8_0.",
      { tensor: name, type: type.name },
    );
  }
  const size = byteLength(spec);
  const file = source.origin;
  return {
    spec,
    place: file && { file, offset },
    async readInto(from, target, signal) {
      if (!(from >= 0) || from + target.byteLength > size) {
        const range = `bytes ${from} to ${from + target.byteLength}`;
        throw tensorError(
          "INVALID_ARGUMENT",
          `Tensor ${JSON.stringify(name)} has ${size} bytes, not ${range}.`,
          {
            tensor: name,
          },
        );
      }
      await source.readInto(offset + from, target, signal);
    },
  };
}

function tensorError(code: MilletErrorCode, message: string, details: Record<string, unknown>): MilletError {
  return new MilletError(code, message, { details });
}
