/** One step of a Program before it is encoded: opcode, operand words, and what its threads touch. */
import type { Opcode } from "../../assembly/opcodes.js";

/**
 * How a step's threads share an operand. Threads of two steps that share the same bytes by the same rule touch only
 * their own part, and need not wait for each other.
 */
export type Sharing =
  /** A thread touches its groups of 8 columns. */
  | { readonly by: "features"; readonly groups: number }
  /** A thread touches its rows, four by four, of as many as the word at `count` says. */
  | { readonly by: "rows"; readonly count: number }
  /** A thread touches its own copy. */
  | { readonly by: "private" }
  /** Any thread may touch any part. */
  | { readonly by: "all" };

/** Bytes that a step reads or writes. Spaces other than "memory" name the parts of the KV cache. */
export interface Access {
  readonly space: string;
  readonly start: number;
  readonly end: number;
  readonly write: boolean;
  readonly sharing: Sharing;
}

export interface Step {
  readonly opcode: Opcode;
  /** For people: the node or weight that the step serves. */
  readonly label: string;
  /** Bits of StepFlag besides Barrier, which follows from the accesses. */
  readonly flags?: number;
  /** Words after opcode and length. */
  readonly operands: readonly number[];
  readonly accesses: readonly Access[];
}
