/** What a rule of the NNAPI provider is: data with a name, so that reports, tests and documentation list the same ones. */
import type { OnnxNode } from "../onnx/model.js";
import type { GraphIndex } from "./graph-index.js";

/** Why a node leaves NNAPI, and how to mend it. Both are sentences without the node's name. */
export interface Breach {
  readonly what: string;
  readonly fix: string;
}

export interface RuleContext {
  readonly graph: GraphIndex;
  /** Of the Android version that is asked about. */
  readonly apiLevel: number;
}

export interface Rule {
  /** Stable, in kebab case. */
  readonly name: string;
  /** Operators that it speaks of; "all" of those that the provider knows, or, of rule "known-op", any. */
  readonly ops: readonly string[] | "all";
  /** What holds if the rule is kept, for documentation. */
  readonly demands: string;
  check(node: OnnxNode, context: RuleContext): Breach | undefined;
}
