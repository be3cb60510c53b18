/** A limit for waiting on a connection: what neither goes on nor breaks would hang for ever. */
import { transientError } from "./http-response.js";

const STALL_MS = 30_000;

/** What `promise` gives. @throws MilletError transient SOURCE_READ_FAILED if that takes longer than `stallMs` */
export async function unlessStalled<T>(promise: Promise<T>, url: URL, stallMs = STALL_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_resolve, reject) => {
    const error = transientError(String(url), `nothing came for ${stallMs / 1000} seconds`);
    timer = setTimeout(() => reject(error), stallMs);
  });
  try {
    return await Promise.race([promise, stalled]);
  } finally {
    clearTimeout(timer);
  }
}
