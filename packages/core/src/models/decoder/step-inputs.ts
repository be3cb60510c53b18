/** The inputs that every decoder step has, declared once. */
import type { GraphBuilder } from "../../graph/builder.js";
import type { Value } from "../../graph/graph.js";
import { KV_BLOCK_ROWS } from "../../graph/kv.js";
import type { StepShape } from "../definition.js";

export interface StepInputs {
  /** i32[T]; undefined in a step that takes embeddings alone. */
  readonly tokens: Value | undefined;
  /** f32[T, hidden]; undefined in a step that takes tokens. */
  readonly embeddings: Value | undefined;
  /** i32[T]: which row of the types' table is added; undefined in models without. */
  readonly tokenTypes: Value | undefined;
  readonly positions: Value; // i32[T]
  readonly sequences: Value; // i32[T]
  readonly writeRows: Value; // i32[T]
  readonly blockTable: Value; // i32[S, B]
  readonly lengths: Value; // i32[S]
  readonly logitRows: Value; // i32[R]
}

/** Declares the step inputs in a fixed order, with the meaning given in ModelDefinition.step. */
export function declareStepInputs(
  graph: GraphBuilder,
  shape: StepShape,
  hidden: number,
  hasTokenTypes = false,
): StepInputs {
  const byToken = (name: string) => graph.input(name, { dtype: "i32", shape: [shape.tokens] }, "tokens");
  const takesEmbeddings = shape.input === "embeddings";
  const embeddings = () =>
    graph.input("embeddings", { dtype: "f32", shape: [shape.tokens, hidden] }, "tokens");
  return {
    tokens: takesEmbeddings ? undefined : byToken("tokens"),
    embeddings: takesEmbeddings ? embeddings() : undefined,
    tokenTypes: hasTokenTypes && !takesEmbeddings ? byToken("tokenTypes") : undefined,
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

/** Most tokens of a sequence in a step of a shape. */
export function contextTokens({ contextTokens, blocksPerSequence }: StepShape): number {
  return contextTokens ?? blocksPerSequence * KV_BLOCK_ROWS;
}
