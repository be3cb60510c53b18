/** Waiting that ends: for what may be broken, and for what the caller may stop waiting for. */
import { abortedError } from "../errors.js";

/** Runs `work` and waits until it ends, but no longer than `limitMs`. Its failure is nobody's business any more. */
export async function settle(work: () => unknown, limitMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
  const run = async () => void (await work());
  await Promise.race([run().catch(() => undefined), limit]);
  clearTimeout(timer);
}

/** Resolves after `ms`, or at once when `signal` fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    function end() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
    if (signal.aborted) end();
    signal.addEventListener("abort", end);
  });
}

/** `work`, unless `signal` fires first. @throws MilletError ABORTED */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(abortedError(signal, what));
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave);
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
