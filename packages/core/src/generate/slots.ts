/** Lets a fixed number of generations run at a time; the others wait in order of arrival. */
import { abortedError, throwIfAborted } from "../errors.js";

export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Waits for a slot and returns what gives it back.
   * @throws MilletError ABORTED if `signal` fires before there is one
   */
  async take(signal: AbortSignal | undefined): Promise<() => void> {
    throwIfAborted(signal, "The generation");
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    return () => this.#giveBack();
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1);
        reject(abortedError(signal, "The generation"));
      };
      this.#waiting.push(start);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  /** A slot goes straight to the next in line. */
  #giveBack(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
