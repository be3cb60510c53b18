/** linear: y = f(g(x) W^T + bias) for weights of any format: which kernel serves, and the lists of candidates. */
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import type { HalfDecode } from "../../quant/decode-wgsl.js";
import { type Choices, chosen, markChoice, NO_CHOICES } from "../choices.js";
import type { KernelFeature } from "../features.js";
import { lowerLinearRow, ROWS_PER_WALK, type RowCut, type RowVariant, rowCuts } from "./row.js";
import { lowerLinearTile, type TileForm } from "./tile.js";
import { canDot, lowerLinearTileDot } from "./tile-dot.js";
import { tileRowsOf } from "./tile-source.js";

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
 * @param features "shader-f16" and "packed-dot" allow kernels for many rows that round what they multiply
 */
export function lowerLinear(
  spec: LinearSpec,
  workspace: Workspace,
  features: Features,
  choices: Choices = NO_CHOICES,
): Dispatch[] {
  const site = siteOf(spec);
  if (linearFamily(spec) === "linear_row") {
    const candidates = rowCandidates(spec, features);
    const used = chosen(site, candidates, choices);
    const dispatches = lowerLinearRow(spec, workspace, used.variant, used.cut);
    return markChoice(dispatches, site, candidates, used, choices);
  }
  const candidates = tileCandidates(spec, features);
  const used = chosen(site, candidates, choices);
  return markChoice(lowerLinearTiles(spec, workspace, used), site, candidates, used, choices);
}

export interface RowCandidate {
  /** Variant, lanes of a team, groups of 4 outputs of a team: "subgroups 64x2". */
  readonly name: string;
  readonly variant: RowVariant;
  readonly cut: RowCut;
}

/** Candidates for few rows, the default first: its variant with other cuts, and another variant with its cut. */
export function rowCandidates(spec: LinearSpec, features: Features): RowCandidate[] {
  const [best, ...others] = rowVariants(features).toReversed();
  const cuts = rowCuts(spec);
  const named = (variant: RowVariant, cut: RowCut) => {
    return { name: `${variant.name} ${cut.lanes}x${cut.groups}`, variant, cut };
  };
  return [
    ...cuts.map((cut) => named(best!, cut)),
    ...others.slice(0, 1).map((other) => named(other, cuts[0]!)),
  ];
}

/** Candidates for many rows, the default first; those by integers only where all weights are integers. */
function tileCandidates(spec: LinearSpec, features: Features): TileVariant[] {
  const variants = tileVariants(features).filter(({ product }) => product === "floats" || canDot(spec));
  const usual = variants.find(({ name }) => name === DEFAULT_TILE) ?? variants[0]!;
  return [usual, ...variants.filter((variant) => variant !== usual)];
}

function siteOf(spec: LinearSpec): string {
  const { parts, x, y, norm, finish } = spec;
  const types = parts.map(({ weight }) => weight.spec.dtype);
  const family = linearFamily(spec);
  // Which tile is fastest is a matter of formats; how a single row is best cut, of sizes as well.
  if (family === "linear_tile")
    return `${family} ${[...new Set(types)].sort().join("+")}, rows ${tileRowsOf(spec)}`;
  const outputs = parts.map(({ weight }) => weight.spec.shape[0]!);
  const fused = [...(norm ? ["norm"] : []), ...(finish === "none" ? [] : [finish])].map(
    (name) => `, ${name}`,
  );
  const rows = Math.min(y.rows, ROWS_PER_WALK);
  return `${family} ${types.join("+")} ${x.width} to ${outputs.join("+")}, rows ${rows}${fused.join("")}`;
}

/** Largest normalised mean squared error of a candidate to the default: some round the rows, the rest differ in order. */
export function toleratedError(candidate: string): number {
  return candidate === "f16" || candidate === "packed-dot" ? 1e-3 : 1e-8;
}

/** Any variant for many rows; what "packed-dot" cannot serve goes by floats. */
export function lowerLinearTiles(spec: LinearSpec, workspace: Workspace, variant: TileVariant): Dispatch[] {
  if (variant.product === "floats") return lowerLinearTile(spec, workspace, variant);
  if (canDot(spec)) return lowerLinearTileDot(spec, workspace, variant.halves);
  return lowerLinearTile(spec, workspace, { name: DEFAULT_TILE, halves: variant.halves, element: "f32" });
}
