/** Speed of a download over its last seconds. */

const WINDOW_MS = 5000;
const SAMPLE_MS = 100;

export class Rate {
  readonly #now: () => number;
  readonly #samples: { readonly timeMs: number; readonly bytes: number }[];
  #bytes = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#samples = [{ timeMs: now(), bytes: 0 }];
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const timeMs = this.#now();
    if (timeMs - this.#samples[this.#samples.length - 1]!.timeMs >= SAMPLE_MS)
      this.#samples.push({ timeMs, bytes: this.#bytes });
    while (this.#samples.length > 2 && timeMs - this.#samples[1]!.timeMs > WINDOW_MS) this.#samples.shift();
  }

  /** Undefined until there is something to tell it from. */
  get bytesPerSecond(): number | undefined {
    const first = this.#samples[0]!;
    const elapsedMs = this.#now() - first.timeMs;
    const bytes = this.#bytes - first.bytes;
    return elapsedMs >= SAMPLE_MS && bytes > 0 ? (bytes * 1000) / elapsedMs : undefined;
  }
}
