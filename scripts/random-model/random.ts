/** A seeded, fast source of random bits (sfc32, public domain, by Chris Doty-Humphrey). Not for secrets. */

/** 32-bit FNV-1a, to tell the streams of different tensors apart. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

export class Random {
  #a: number;
  #b: number;
  #c = 0;
  #counter = 1;

  /** The same seed and stream give the same numbers everywhere. */
  constructor(seed: number, stream: string) {
    this.#a = seed | 0;
    this.#b = hash(stream) | 0;
    this.fill(new Uint32Array(16)); // the first outputs still show the seed
  }

  fill(words: Uint32Array): void {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let counter = this.#counter;
    for (let i = 0; i < words.length; i++) {
      const word = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + word) | 0;
      words[i] = word;
    }
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#counter = counter;
  }
}

/** Writes encoded values made from random words. */
export type Draw = (words: Uint16Array, bytes: Uint8Array<ArrayBuffer>) => void;

/** Values of a standard normal at 65,536 equally likely places, in order: a random u16 looks up a random value. */
export function normalQuantiles(): Float32Array {
  const quantiles = new Float32Array(65536);
  const steps = 200_000; // of the trapezoid rule over [-5, 5]
  const width = 10 / steps;
  let cumulated = 0;
  let next = 0;
  for (let i = 0; i < steps && next < 65536; i++) {
    const x = -5 + (i + 0.5) * width;
    cumulated += (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * width;
    while (next < 65536 && (next + 0.5) / 65536 <= cumulated) quantiles[next++] = x;
  }
  quantiles.fill(5, next);
  return quantiles;
}
