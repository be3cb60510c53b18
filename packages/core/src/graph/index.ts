/** Graphs: description, builder, text. */
export { GraphBuilder } from "./builder.js";
export type { Graph, Node, RowAxis, Value } from "./graph.js";
export type { HostState } from "./host-state.js";
export type { NodeEmitter, OpDef } from "./op.js";
export { printGraph, printNode } from "./print.js";
