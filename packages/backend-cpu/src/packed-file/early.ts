/**
 * Begins with a model's packed file before its plan is there: maps it into an engine, whose threads check it while
 * JavaScript plans the model. Whether it is this model's is seen once the plan is there; until then nothing trusts it.
 */
import type { WeightSources } from "@millet/core/tensor";
import type { EngineChoice } from "../engine/choose.js";
import type { EarlyEngine } from "../engine/engine.js";
import { aligned } from "../lower/region.js";
import { AUXILIARY_BYTES } from "../model-plan.js";
import { checksums } from "./checksums.js";
import { HEADER_BYTES, type PackedHeader, readHeader } from "./header.js";
import { firstFile } from "./identity.js";
import { type NodeParts, nodeParts } from "./node.js";
import { placesOf } from "./places.js";

export interface EarlyStart {
  /** Holds the file's weights where they belong, and checks them. */
  readonly engine: EarlyEngine;
  readonly place: string;
  readonly header: PackedHeader;
  /** See checksums.ts. @throws MilletError DISPOSED, BACKEND_FAILED */
  readonly sums: Promise<Uint8Array>;
}

/**
 * Resolves once the threads are at work.
 * @returns undefined where there is no file or the engine cannot show one: then loading goes its usual way, which tells
 *   why
 */
export async function startEarly(
  option: true | string,
  weights: WeightSources,
  choice: EngineChoice,
  node: NodeParts | null = nodeParts(),
): Promise<EarlyStart | undefined> {
  const file = firstFile([...weights.values()].map(({ place }) => place?.file));
  if (!node || !file || !choice.startEarly) return undefined;
  for (const place of placesOf(file, option, node)) {
    const started = await startFrom(place, choice, node);
    if (started) return started;
  }
  return undefined;
}

async function startFrom(
  place: string,
  choice: EngineChoice,
  { fs, sha256 }: NodeParts,
): Promise<EarlyStart | undefined> {
  const file = await fs.open(place, "r").catch(() => undefined);
  if (!file) return undefined;
  let engine: EarlyEngine | undefined;
  try {
    const header = await readHeader(file, sha256);
    if (typeof header === "string") return undefined;
    const packed = { address: HEADER_BYTES, byteLength: header.byteLength };
    const end = HEADER_BYTES + header.byteLength;
    const work = { address: end, byteLength: aligned(header.sums.byteLength) + AUXILIARY_BYTES };
    const initialBytes = end + work.byteLength;
    engine = choice.startEarly!({ initialBytes, sparse: { address: end, byteLength: work.byteLength } });
    if (!engine.map?.(file.fd, packed.address, packed.byteLength)) {
      await engine.dispose();
      return undefined;
    }
    const sums = checksums(engine, { packed, work }, header.blockBytes, undefined);
    sums.catch(() => undefined); // reported where it is awaited
    return { engine, place, header, sums };
  } catch {
    await engine?.dispose();
    return undefined;
  } finally {
    await file.close(); // by then, the program of the checksums runs
  }
}
