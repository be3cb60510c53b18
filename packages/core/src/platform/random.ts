/** Random numbers that only need to differ from run to run: nothing here keeps a secret. */

/** 32 random bits. Not from `crypto`: Node takes 4 ms to load that, and the first token waits. */
export function randomBits(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

/** A name that nobody else chooses: 32 hexadecimal digits. */
export function randomName(): string {
  return Array.from({ length: 4 }, () => strongBits().toString(16).padStart(8, "0")).join("");
}

/** From `crypto` where there is one: several processes may choose names at once. */
function strongBits(): number {
  const crypto: Crypto | undefined = globalThis.crypto;
  if (crypto?.getRandomValues === undefined) return randomBits();
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
