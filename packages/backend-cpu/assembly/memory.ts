/**
 * The engine's fixed low memory: control words that host and threads share, and constants that kernels load
 * instead of materializing (V8 rebuilds a v128 constant at every use). Everything else is placed by the host.
 */

/** Byte addresses. The host places its first allocation at `Reserved`. */
export enum Fixed {
  /** i32: nonzero asks every thread to stop at the next check. */
  Abort = 64,
  /** i32: shares of all segments that are done in this call (see shares.ts). */
  Done = 128,
  /** i32: complete segments of this call. */
  Complete = 192,
  /** i32: threads asleep until `Complete` changes. */
  Sleepers = 196,
  /** i32: counts calls; the threads wait for it to change. */
  Generation = 256,
  /** u32: byte address of the call's program; 0 asks the threads to end. */
  Program = 260,
  /** i32: nonzero if a thread trapped in this call. */
  Failed = 264,
  /** i32: threads that have finished the call. */
  Finished = 320,
  Constants = 384,
  /** First byte of static data that the compiler places. */
  Static = 1024,
  /** Threads that have room for their claims. */
  MaxThreads = 64,
  /** i32 per share, 64 bytes apart: the next segment whose share here is free. */
  Claims = 12288,
  /** First byte that belongs to the host's allocator. */
  Reserved = 65536,
}
