/** Names a model by its weights, so that activation scales are not used with another one. */
import { byteLength, contentHash, type WeightSource, type WeightSources } from "@millet/core/tensor";

const SAMPLES = 8;
const SAMPLE_BYTES = 1024;

/**
 * A hash of all names, types and shapes and of the beginning of some weights. The same model in another quantization has
 * another digest.
 */
export async function modelDigest(weights: WeightSources, signal?: AbortSignal): Promise<string> {
  const names = [...weights.keys()].sort();
  const layout = names.map((name) => {
    const { dtype, shape } = weights.get(name)!.spec;
    return [name, dtype, shape] as const;
  });
  const parts = [contentHash(new TextEncoder().encode(JSON.stringify(layout)))];
  const step = Math.max(1, Math.floor(names.length / SAMPLES));
  for (let i = 0; i < names.length; i += step) {
    parts.push(contentHash(await beginningOf(weights.get(names[i]!)!, signal)));
  }
  return contentHash(new TextEncoder().encode(parts.join(" ")));
}

async function beginningOf(source: WeightSource, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(SAMPLE_BYTES, byteLength(source.spec)));
  await source.readInto(0, bytes, signal);
  return bytes;
}
