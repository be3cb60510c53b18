/** linear: y = f(g(x) W^T + bias) for weights of any format: which kernel serves, and the lists of variants. */
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { OptionalFeature } from "../../options.js";
import type { Dispatch } from "../../program/dispatch.js";
import { lowerLinearRow, ROWS_PER_WALK, type RowVariant } from "./row.js";
import { lowerLinearTile, type TileVariant } from "./tile.js";

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

/** Variants for many rows, in the same order. */
export function tileVariants(_features: Features): TileVariant[] {
  return [
    { name: "plain", halves: "integers" },
    { name: "halves", halves: "unpack" },
  ];
}

/**
 * The dispatches of a spec: one for up to 8 rows, unless a weight is split or its weights lie in too many pages; for more
 * rows the norm is a dispatch of its own.
 */
export function lowerLinear(spec: LinearSpec, workspace: Workspace, features: Features): Dispatch[] {
  if (spec.y.rows <= ROWS_PER_WALK) return lowerLinearRow(spec, workspace, rowVariants(features).at(-1)!);
  return lowerLinearTile(spec, workspace, tileVariants(features).at(-1)!);
}
