/**
 * What a program consists of: dispatches of kernels on operands. Data only; compiling and running are elsewhere.
 */

/** A kernel: WGSL that is complete, with entry point `main`. Equal code is compiled once. */
export interface Kernel {
  /** Op, format and variant: "linear_row.q4_0.subgroups". */
  readonly name: string;
  readonly code: string;
  /** How each binding from 1 on is used, in order; binding 0 is the uniform `Params`. */
  readonly access: readonly ("read" | "read-write")[];
}

/**
 * Memory that a binding names.
 * `weights`: a page of packed weights. `scratch`: a slot for values within a step. `call`: what a call brings along
 * (tokens, positions, ...). `keys`, `values`: a layer of the KV cache. `positions`: those of the cache's rows.
 */
export type Operand =
  | { readonly space: "weights"; readonly page: number }
  | { readonly space: "scratch"; readonly slot: number }
  | { readonly space: "call" }
  | { readonly space: "keys" | "values"; readonly layer: number }
  | { readonly space: "positions" };

/** What a call decides: how many workgroups a dispatch needs depends on it. */
export interface CallSize {
  /** Active rows of tokens. */
  readonly tokens: number;
  /** Active rows of logits. */
  readonly logits: number;
  /** Rows of the longest sequence in the KV cache, those of this call included. */
  readonly longest: number;
}

export interface Dispatch {
  readonly kernel: Kernel;
  /** The weight or value that it serves. */
  readonly label: string;
  /** For bindings 1 .. n. */
  readonly operands: readonly Operand[];
  /** The `Params` uniform, at most 64 words of 32 bits. */
  readonly params: readonly number[];
  /** Workgroups in x, y, z; all zero or one of them zero: nothing to do. */
  readonly grid: (size: CallSize) => readonly [number, number, number];
  /** Bytes of weights that it reads, each counted once. */
  readonly weightBytes: number;
  /** Present where other kernels would do as well. */
  readonly choice?: DispatchChoice;
}

/** Which of several kernels a dispatch runs. */
export interface DispatchChoice {
  readonly site: string;
  readonly candidate: string;
  /** Names of all candidates, the default first. */
  readonly candidates: readonly string[];
  readonly source: "default" | "measured" | "remembered";
}

/** The compiled form of a graph. */
export interface Program {
  readonly name: string;
  readonly dispatches: readonly Dispatch[];
  /** Bytes of each scratch slot. */
  readonly slots: readonly number[];
  /** One line per dispatch: index, kernel, label, operands. */
  toString(): string;
}
