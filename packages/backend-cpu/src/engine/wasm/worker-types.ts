/** Types that the parts of the worker share. */
import type { WorkerMessage } from "./protocol.js";

/** The exports of assembly/index.ts. */
export interface EngineExports {
  initialize(): number;
  setDot(mode: number): void;
  /** Byte address of the next step; 0 when the program ended or was aborted. */
  run(step: number, thread: number, threads: number, limit: number): number;
  /** The same step while parts of it are left, then the next; 0 when the program ended. */
  runPart(step: number, part: number, parts: number): number;
}

export type Post = (message: WorkerMessage, transfer?: readonly ArrayBuffer[]) => void;

/** Steps without end. */
export const ALL_STEPS = 0x7fffffff;
