/** Locks between tabs and workers of one origin, by the Web Locks API. They end with their tab. */
import { abortedError } from "../../errors.js";
import { placeError } from "./errors.js";
import type { LockOptions, Release } from "./place.js";

const PREFIX = "millet:";

export async function acquireWebLock(
  locks: LockManager,
  name: string,
  { mode, wait, signal }: LockOptions,
): Promise<Release | undefined> {
  let give = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    give = resolve;
  });
  let request: Promise<unknown> = Promise.resolve();
  const granted = new Promise<boolean>((resolve, reject) => {
    const how = wait ? signal && { signal } : { ifAvailable: true };
    // The lock is held until the promise settles that its callback returns.
    request = locks.request(PREFIX + name, { mode, ...how }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : held;
    });
    request.catch(reject);
  });
  try {
    if (!(await granted)) return undefined;
  } catch (cause) {
    throw signal?.aborted
      ? abortedError(signal, "Waiting for another tab")
      : placeError("the browser's storage", "locking a file", cause);
  }
  return async () => {
    give();
    await request;
  };
}
