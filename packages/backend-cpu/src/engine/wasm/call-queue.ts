/** Runs calls one after the other, fails them together when the engine stops, and tracks whether any is pending. */
import { abortedError, type MilletError } from "@millet/core/errors";

/** Answers of one call: settled by whoever computes it, or failed when the engine stops. */
export interface Pending<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: MilletError): void;
}

export function pending<T>(): Pending<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: MilletError) => void = () => {};
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

export class CallQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #stopped: MilletError | undefined;
  #current: Pending<never> | undefined;
  #count = 0;
  readonly #onBusy: (busy: boolean) => void;

  /** @param onBusy hears when the first call comes and when the last has gone */
  constructor(onBusy: (busy: boolean) => void) {
    this.#onBusy = onBusy;
  }

  /** Runs `work` after all earlier work; fails at once if `signal` fires before its turn. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#count++ === 0) this.#onBusy(true);
    const result = this.#tail.then(() => this.#turn(work, signal));
    this.#tail = result.then(
      () => this.#left(),
      () => this.#left(),
    );
    return result;
  }

  /** Fails the running call and all that follow. */
  stop(error: MilletError): void {
    this.#stopped ??= error;
    this.#current?.reject(this.#stopped);
  }

  async #turn<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (this.#stopped) throw this.#stopped;
    if (signal?.aborted) throw abortedError(signal, "The call");
    const current = (this.#current = pending<never>());
    try {
      return await Promise.race([work(), current.promise]);
    } finally {
      this.#current = undefined;
      current.promise.catch(() => undefined);
    }
  }

  #left(): void {
    if (--this.#count === 0) this.#onBusy(false);
  }
}
