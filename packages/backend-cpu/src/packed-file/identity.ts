/**
 * Which packed weights a model needs: a key that is another one whenever a byte of them could be. It covers the state of
 * every file that holds a weight, which weights there are, of which types and where, and the version of their layout.
 */
import type { ContentOrigin, KnownOrigin, WeightSources } from "@millet/core/tensor";
import type { ModelPlan } from "../model-plan.js";
import { PACKED_LAYOUT_VERSION } from "../pack/packed-type.js";

export interface PackedIdentity {
  /** SHA-256 in hexadecimal digits. */
  readonly key: string;
  /** The first of the files that hold weights. */
  readonly file: ContentOrigin;
}

/** @returns the identity, or a clause that says why there is none */
export function packedIdentity(
  plan: ModelPlan,
  sources: WeightSources,
  sha256: (text: string) => string,
  layoutVersion: number = PACKED_LAYOUT_VERSION,
): PackedIdentity | string {
  const files = new Map<string, ContentOrigin>();
  const weights: unknown[] = [];
  for (const [name, { value, address }] of plan.weights) {
    const place = sources.get(name)?.place;
    if (!place) return "the model comes from memory, not from a file or an address";
    if ("unknown" in place.file) return place.file.unknown;
    const { location, version } = place.file;
    files.set(`${location}\n${version}`, place.file);
    const index = [...files.keys()].indexOf(`${location}\n${version}`);
    const from = place.made === undefined ? [place.offset] : [place.offset, place.made];
    weights.push([name, value.spec.dtype, value.spec.shape, address, index, ...from]);
  }
  const file = firstFile([...files.values()]);
  if (!file) return "the model has no weights";
  const key = sha256(JSON.stringify([layoutVersion, [...files.keys()], weights]));
  return { key, file };
}

/** The first by location of the files whose state is known, each of which may be named several times. */
export function firstFile(files: Iterable<KnownOrigin | undefined>): ContentOrigin | undefined {
  let first: ContentOrigin | undefined;
  for (const file of files) {
    if (file && "version" in file && (!first || file.location < first.location)) first = file;
  }
  return first;
}
