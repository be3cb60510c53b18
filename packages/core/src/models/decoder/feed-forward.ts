/** The feed-forward branch of a layer: up, activation (gated or not), down. */
import type { Value } from "../../graph/graph.js";
import { geglu, gelu, silu, swiglu } from "../../ops/index.js";
import type { Activation } from "./spec.js";
import type { StepContext } from "./step-context.js";

/** @param x normalized rows [T, hidden] @returns [T, hidden], not added to anything yet */
export function feedForwardBranch(step: StepContext, x: Value, layer: number): Value {
  const { hidden, feedForward } = step.spec.sizes;
  const { kind, gated } = step.spec.activation ?? SWIGLU;
  const gate = gated ? step.linear(x, layer, "ffn_gate", feedForward) : undefined;
  const up = step.linear(x, layer, "ffn_up", feedForward);
  return step.linear(activate(step, kind, gate, up), layer, "ffn_down", hidden);
}

const SWIGLU: Activation = { kind: "silu", gated: true };

/** act(gate) * up, or act(up) without a gate. [T, feedForward] */
function activate(step: StepContext, kind: Activation["kind"], gate: Value | undefined, up: Value): Value {
  const { graph } = step;
  if (kind === "silu") return gate ? graph.emitOne(swiglu, [gate, up], {}) : graph.emitOne(silu, [up], {});
  const attrs = { approximation: kind === "gelu_tanh" ? "tanh" : "none" } as const;
  return gate ? graph.emitOne(geglu, [gate, up], attrs) : graph.emitOne(gelu, [up], attrs);
}
