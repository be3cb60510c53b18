/** linear: y = f(g(x) W^T + bias) for weights of any format: which kernel serves, and the lists of variants. */
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import type { HalfDecode } from "../../quant/decode-wgsl.js";
import type { KernelFeature } from "../features.js";
import { lowerLinearRow, ROWS_PER_WALK, type RowVariant } from "./row.js";
import { lowerLinearTile, type TileForm } from "./tile.js";
import { canDot, lowerLinearTileDot } from "./tile-dot.js";

type Features = ReadonlySet<KernelFeature>;

/** Which kernels serve a spec: those for few rows or those for many. */
export function linearFamily({ y }: LinearSpec): "linear_row" | "linear_tile" {
  return y.rows <= ROWS_PER_WALK ? "linear_row" : "linear_tile";
}

/**
 * Variants for few rows that features allow, the plain one first, the one that is expected to be fastest last.
 */
export function rowVariants(features: Features): RowVariant[] {
  const halves = halvesOf(features);
  const variants: RowVariant[] = [{ name: "plain", reduce: "plain", halves: "integers" }];
  if (halves === "unpack") variants.push({ name: "halves", reduce: "plain", halves });
  if (features.has("subgroups")) variants.push({ name: "subgroups", reduce: "subgroups", halves });
  return variants;
}

/** "integers": rows become int8, and weights stay integers; "floats": weights become floats. */
export type TileVariant =
  | ({ readonly product: "floats" } & TileForm)
  | { readonly product: "integers"; readonly name: string; readonly halves: HalfDecode };

/** Variants for many rows, the plain one first; which of the others is fastest depends on the GPU. */
export function tileVariants(features: Features): TileVariant[] {
  const halves = halvesOf(features);
  const variants: TileVariant[] = [{ name: "plain", product: "floats", halves: "integers", element: "f32" }];
  if (halves === "unpack") variants.push({ name: DEFAULT_TILE, product: "floats", halves, element: "f32" });
  if (features.has("shader-f16")) variants.push({ name: "f16", product: "floats", halves, element: "f16" });
  if (features.has("packed-dot")) variants.push({ name: "packed-dot", product: "integers", halves });
  return variants;
}

function halvesOf(features: Features): HalfDecode {
  return features.has("exact-halves") ? "unpack" : "integers";
}

/** The variant for many rows where nobody measured which is fastest: it is exact and needs no feature. */
const DEFAULT_TILE = "halves";

/**
 * The dispatches of a spec: one for up to 8 rows, unless a weight is split or its weights lie in too many pages; for more
 * rows the norm is a dispatch of its own.
 * @param tile name of the variant for many rows, should the features allow it; "f16" and "packed-dot" round rows
 */
export function lowerLinear(
  spec: LinearSpec,
  workspace: Workspace,
  features: Features,
  tile: string = DEFAULT_TILE,
): Dispatch[] {
  if (linearFamily(spec) === "linear_row")
    return lowerLinearRow(spec, workspace, rowVariants(features).at(-1)!);
  const named = (name: string) => tileVariants(features).find((variant) => variant.name === name);
  return lowerLinearTiles(spec, workspace, named(tile) ?? named(DEFAULT_TILE) ?? named("plain")!);
}

/** Any variant for many rows; what "packed-dot" cannot serve goes by floats. */
export function lowerLinearTiles(spec: LinearSpec, workspace: Workspace, variant: TileVariant): Dispatch[] {
  if (variant.product === "floats") return lowerLinearTile(spec, workspace, variant);
  if (canDot(spec)) return lowerLinearTileDot(spec, workspace, variant.halves);
  return lowerLinearTile(spec, workspace, { name: DEFAULT_TILE, halves: variant.halves, element: "f32" });
}
