/** How fast a local file gives its bytes; remote ones are not asked. */
import type { ModelFile } from "../formats/index.js";
import { byteLength } from "../tensor/tensor.js";
import type { WeightSource } from "../tensor/weights.js";

const SAMPLE_BYTES = 8 << 20;

/** Bytes per millisecond; undefined for files that are read over a network. */
export async function readSpeed({ weights }: ModelFile, signal?: AbortSignal): Promise<number | undefined> {
  let largest: WeightSource | undefined;
  for (const source of weights.values()) {
    if (largest === undefined || byteLength(source.spec) > byteLength(largest.spec)) largest = source;
  }
  if (largest === undefined || !isLocal(largest)) return undefined;
  const target = new Uint8Array(Math.min(SAMPLE_BYTES, byteLength(largest.spec)));
  const begin = performance.now();
  await largest.readInto(0, target, signal);
  return target.length / Math.max(0.01, performance.now() - begin);
}

function isLocal({ place }: WeightSource): boolean {
  return place !== undefined && "path" in place.file && place.file.path !== undefined;
}
