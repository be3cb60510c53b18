/** What one use of the store may do, and who hears of it. */
import type { NetworkUse, SourceOptions } from "../source.js";
import type { FileProgress } from "./progress.js";

export interface KeepCall {
  readonly options: SourceOptions;
  readonly network: NetworkUse;
  readonly progress: FileProgress;
  /** Told what the user should know though it made nothing fail. */
  readonly onNote: (text: string) => void;
}

export interface KeeperOptions {
  /** Of all that is stored. */
  readonly maxBytes: number | undefined;
  readonly chunkBytes: number;
  readonly connections: number;
}
