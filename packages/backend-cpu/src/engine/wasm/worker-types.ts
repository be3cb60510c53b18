/** Types that the parts of the worker share. */
import type { WorkerMessage } from "./protocol.js";

/** The exports of assembly/index.ts. */
export interface EngineExports {
  initialize(): number;
  setDot(mode: number): void;
  /** Returns when the program ended or was aborted. */
  run(program: number, thread: number, threads: number): void;
  /** The same step while parts of it are left, then the next; 0 when the program ended. */
  runPart(step: number, part: number, parts: number): number;
}

export type Post = (message: WorkerMessage, transfer?: readonly ArrayBuffer[]) => void;
