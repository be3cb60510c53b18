/** linear: y = f(g(x) W^T + bias) for weights of any format: which kernel serves, and the lists of variants. */
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { OptionalFeature } from "../../options.js";
import type { Dispatch } from "../../program/dispatch.js";
import type { HalfDecode } from "../../quant/decode-wgsl.js";
import { lowerLinearRow, ROWS_PER_WALK, type RowVariant } from "./row.js";
import { lowerLinearTile } from "./tile.js";
import { canDot, lowerLinearTileDot } from "./tile-dot.js";

type Features = ReadonlySet<OptionalFeature>;

/** Variants for few rows that a device allows, the plain one first, the one that is expected to be fastest last. */
export function rowVariants(features: Features): RowVariant[] {
  const variants: RowVariant[] = [
    { name: "plain", reduce: "plain", halves: "integers" },
    { name: "halves", reduce: "plain", halves: "unpack" },
  ];
  if (features.has("subgroups")) variants.push({ name: "subgroups", reduce: "subgroups", halves: "unpack" });
  return variants;
}

export interface TileVariant {
  readonly name: string;
  /** Whether weights become floats before they are multiplied, or rows become integers. */
  readonly product: "floats" | "integers";
  readonly halves: HalfDecode;
}

/** Variants for many rows, in the same order; whether "packed-dot" is faster than "halves" depends on the GPU. */
export function tileVariants(features: Features): TileVariant[] {
  const variants: TileVariant[] = [
    { name: "plain", product: "floats", halves: "integers" },
    { name: "halves", product: "floats", halves: "unpack" },
  ];
  if (features.has("packed-dot"))
    variants.push({ name: "packed-dot", product: "integers", halves: "unpack" });
  return variants;
}

/**
 * The dispatches of a spec: one for up to 8 rows, unless a weight is split or its weights lie in too many pages; for more
 * rows the norm is a dispatch of its own.
 * @param product of many rows: "integers" only where a GPU was found to be faster so, since it rounds rows to int8
 */
export function lowerLinear(
  spec: LinearSpec,
  workspace: Workspace,
  features: Features,
  product: TileVariant["product"] = "floats",
): Dispatch[] {
  if (spec.y.rows <= ROWS_PER_WALK) return lowerLinearRow(spec, workspace, rowVariants(features).at(-1)!);
  const variants = tileVariants(features);
  const variant = variants.findLast((one) => one.product === product) ?? variants.at(-1)!;
  return lowerLinearTiles(spec, workspace, variant);
}

/** Any variant for many rows; what "packed-dot" cannot serve goes by floats. */
export function lowerLinearTiles(spec: LinearSpec, workspace: Workspace, variant: TileVariant): Dispatch[] {
  if (variant.product === "integers" && canDot(spec))
    return lowerLinearTileDot(spec, workspace, variant.halves);
  return lowerLinearTile(spec, workspace, variant.halves);
}
