/** The inputs that every decoder step has, declared once. */
import type { GraphBuilder } from "../graph/builder.js";
import type { Value } from "../graph/graph.js";
import type { StepShape } from "./definition.js";

export interface StepInputs {
  readonly tokens: Value; // i32[T]
  readonly positions: Value; // i32[T]
  readonly sequences: Value; // i32[T]
  readonly writeRows: Value; // i32[T]
  readonly blockTable: Value; // i32[S, B]
  readonly lengths: Value; // i32[S]
  readonly logitRows: Value; // i32[R]
}

/** Declares the step inputs in a fixed order, with the meaning given in ModelDefinition.step. */
export function declareStepInputs(graph: GraphBuilder, shape: StepShape): StepInputs {
  const byToken = (name: string) => graph.input(name, { dtype: "i32", shape: [shape.tokens] }, "tokens");
  return {
    tokens: byToken("tokens"),
    positions: byToken("positions"),
    sequences: byToken("sequences"),
    writeRows: byToken("writeRows"),
    blockTable: graph.input("blockTable", {
      dtype: "i32",
      shape: [shape.sequences, shape.blocksPerSequence],
    }),
    lengths: graph.input("lengths", { dtype: "i32", shape: [shape.sequences] }),
    logitRows: graph.input("logitRows", { dtype: "i32", shape: [shape.logits] }, "logits"),
  };
}
