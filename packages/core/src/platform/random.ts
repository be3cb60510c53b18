/** Random numbers that only need to differ from run to run: nothing here keeps a secret. */

/** 32 random bits. */
export function randomBits(): number {
  const crypto: Crypto | undefined = globalThis.crypto;
  if (crypto?.getRandomValues === undefined) return Math.floor(Math.random() * 2 ** 32);
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** A name that nobody else chooses: 32 hexadecimal digits. */
export function randomName(): string {
  return Array.from({ length: 4 }, () => randomBits().toString(16).padStart(8, "0")).join("");
}
