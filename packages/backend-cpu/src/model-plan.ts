/**
 * Where everything of a model lies in the engine's memory, worked out before a byte is read: control words, packed
 * weights, work space that all programs share, programs, then the KV cache, which grows on demand.
 */
import type { GraphSet, KvPlan } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Node, Value } from "@millet/core/graph";
import { decompose, gatherEarly } from "@millet/core/lower";
import { byteLength } from "@millet/core/tensor";
import { Fixed } from "../assembly/memory.js";
import type { EngineChoice } from "./engine/choose.js";
import { kvGroupBytes, kvGroups, kvTableBytes } from "./lower/kv-layout.js";
import { type LoweredGraph, lowerGraph, supportsNode } from "./lower/lower.js";
import { aligned, Region } from "./lower/region.js";
import { packedByteLength, rawRowBytes } from "./pack/packed-type.js";

/** Where a program of one or several parts lies; one part unless steps are traced. */
export interface PlacedGraph {
  readonly lowered: LoweredGraph;
  readonly address: number;
}

export interface ModelPlan {
  /** Every weight of the graphs, by name. */
  readonly weights: ReadonlyMap<string, PlacedWeight>;
  readonly weightBytes: number;
  /** Where the weights lie, whole pages of every system: what a packed file holds. */
  readonly packed: { readonly address: number; readonly byteLength: number };
  readonly graphs: Readonly<Record<string, PlacedGraph>>;
  /** Work space, free between calls. */
  readonly work: { readonly address: number; readonly byteLength: number };
  /** Bytes of work space, programs and control words. */
  readonly scratchBytes: number;
  /** First byte of the KV cache. */
  readonly end: number;
  /** Bytes of the whole model with its KV cache full. */
  readonly maximumBytes: number;
}

export interface PlacedWeight {
  readonly value: Value;
  readonly address: number;
}

/** What a plan depends on. */
export type EngineTraits = Pick<EngineChoice, "name" | "threads" | "addressableBytes" | "weightTypes">;

/** The largest page of memory in use (arm64): what packed files map. */
const PAGE_BYTES = 65536;
/** Work space that loading needs: two buffers of raw weights. */
export const STAGING_BYTES = 2 * 2 * 1024 * 1024;
/** At the work space's end: the program and pointer of loading and of KV copies. */
export const AUXILIARY_BYTES = 1024;

/**
 * Plans a model, also one that is too large: see checkFits.
 * @throws MilletError GRAPH_UNSUPPORTED_OP
 */
export function planModel(graphs: GraphSet, kv: KvPlan, engine: EngineTraits): ModelPlan {
  const supports = (node: Node) => supportsNode(node, engine.weightTypes);
  const simple = Object.entries(graphs).map(
    ([name, graph]) => [name, gatherEarly(decompose(graph, supports))] as const,
  );
  const values = new Map(simple.flatMap(([, graph]) => Object.entries(graph.weights)));
  const region = new Region(Fixed.Reserved);
  const weights = new Map<string, PlacedWeight>();
  for (const [name, value] of values)
    weights.set(name, { value, address: region.allocate(weightBytes(value)) });
  const weightsEnd = Math.ceil(region.end / PAGE_BYTES) * PAGE_BYTES;
  const addresses = new Map([...weights].map(([name, { address }]) => [name, address]));

  const lowered = simple.map(([name, graph]) => {
    const own = new Region(weightsEnd);
    return { name, lowered: lowerGraph(graph, addresses, own, engine.threads, kv), end: own.end };
  });
  const workBytes = aligned(
    Math.max(stagingBytes(values), ...lowered.map(({ end }) => end - weightsEnd)) + AUXILIARY_BYTES,
  );
  const programs = new Region(weightsEnd + workBytes);
  const placed = lowered.map(({ name, lowered }) => {
    const address = programs.allocate(lowered.program.words.byteLength + 16 * lowered.program.steps.length);
    return [name, { lowered, address }] as const;
  });
  const maximumBytes = programs.end + kvTableBytes(kv) + kvGroupBytes(kv) * kvGroups(kv.maxBlocks);
  return {
    weights,
    weightBytes: region.end - region.start,
    packed: { address: region.start, byteLength: weightsEnd - region.start },
    graphs: Object.fromEntries(placed),
    work: { address: weightsEnd, byteLength: workBytes },
    scratchBytes: programs.end - weightsEnd + Fixed.Reserved,
    end: programs.end,
    maximumBytes,
  };
}

/** Bytes of a weight in memory: packed, or a vector of f32 with its padding. */
function weightBytes({ spec }: Value): number {
  return spec.shape.length === 2 ? packedByteLength(spec) : Math.ceil(byteLength(spec) / 32) * 32;
}

/** Two buffers that each hold at least 8 rows of the widest weight, or one whole vector. */
function stagingBytes(weights: ReadonlyMap<string, Value>): number {
  const needs = [...weights.values()].map(({ spec }) =>
    spec.shape.length === 2 ? 8 * rawRowBytes(spec) : byteLength(spec),
  );
  return Math.max(STAGING_BYTES, ...needs.map((bytes) => 2 * aligned(bytes)));
}

/** @throws MilletError MODEL_TOO_LARGE if an engine cannot address all of a model */
export function checkFits({ maximumBytes, end }: ModelPlan, { name, addressableBytes }: EngineTraits): void {
  if (maximumBytes <= addressableBytes) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new MilletError(
    "MODEL_TOO_LARGE",
    `The model needs ${megabytes(maximumBytes)} with its KV cache full (${megabytes(end)} without) and the ${name} ` +
      `engine reaches ${megabytes(addressableBytes)}. Use a shorter context, a smaller model or a smaller quantization.`,
    { details: { neededBytes: maximumBytes, maximumBytes: addressableBytes } },
  );
}
