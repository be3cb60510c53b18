/** Messages between the host and its workers. On shared memory they only start and fail; unshared, they carry calls. */

export interface MemoryPages {
  readonly initial: number;
  readonly maximum: number;
}

/** First message to a worker. */
export interface StartMessage {
  readonly type: "start";
  readonly module: WebAssembly.Module;
  /** Shared memory, or the pages of the memory that the worker makes for itself. */
  readonly memory: WebAssembly.Memory | MemoryPages;
  readonly thread: number;
  readonly threads: number;
  /** Dot mode to use instead of the one found; for tests. */
  readonly dot: number | undefined;
  /** Whether the last thread to finish tells the host by message: where Atomics.waitAsync does not exist. */
  readonly announce: boolean;
}

/** Unshared memory only. */
export interface CallMessage {
  readonly type: "call";
  readonly id: number;
  readonly writes: readonly { readonly address: number; readonly data: Uint8Array }[];
  readonly program: number;
  readonly reads: readonly { readonly address: number; readonly byteLength: number }[];
}

/** Unshared memory only: stops the call of this id if it runs. */
export interface AbortMessage {
  readonly type: "abort";
  readonly id: number;
}

/** Unshared memory only: grows memory to at least this size. */
export interface ReserveMessage {
  readonly type: "reserve";
  readonly id: number;
  readonly byteLength: number;
}

export type HostMessage = StartMessage | CallMessage | AbortMessage | ReserveMessage;

export type WorkerMessage =
  /** `maximumPages`: what the memory that the worker made for itself can grow to; 0 on shared memory. */
  | { readonly type: "ready"; readonly dot: number; readonly maximumPages: number }
  /** The module could not be started, or a thread trapped. */
  | { readonly type: "failed"; readonly message: string }
  /** The worker serves no more. */
  | { readonly type: "lost"; readonly message: string }
  /** Unshared memory only: the worker could not have its memory. */
  | { readonly type: "no memory"; readonly message: string }
  /** Shared memory, `announce`: all threads have finished a call. */
  | { readonly type: "finished" }
  /** Unshared memory: a call or a reservation has ended. */
  | {
      readonly type: "done";
      readonly id: number;
      readonly reads: readonly Uint8Array[];
      readonly byteLength: number;
    }
  | { readonly type: "error"; readonly id: number; readonly message: string };
