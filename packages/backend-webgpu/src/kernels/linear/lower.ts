/** linear: y = f(g(x) W^T + bias) for weights of any format, and the list of its variants. */
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { OptionalFeature } from "../../options.js";
import type { Dispatch } from "../../program/dispatch.js";
import { lowerLinearRow, type RowVariant } from "./row.js";

/** Variants for few rows that a device allows, the plain one first, the one that is expected to be fastest last. */
export function rowVariants(features: ReadonlySet<OptionalFeature>): RowVariant[] {
  const variants: RowVariant[] = [
    { name: "plain", reduce: "plain", halves: "integers" },
    { name: "halves", reduce: "plain", halves: "unpack" },
  ];
  if (features.has("subgroups")) variants.push({ name: "subgroups", reduce: "subgroups", halves: "unpack" });
  return variants;
}

/** The dispatches of a spec: one, unless a weight is split or its weights lie in too many pages. */
export function lowerLinear(
  spec: LinearSpec,
  workspace: Workspace,
  features: ReadonlySet<OptionalFeature>,
): Dispatch[] {
  return lowerLinearRow(spec, workspace, rowVariants(features).at(-1)!);
}
