/** Which WebAssembly features this platform has, found by validating modules of one function. */

/** (func (drop (v128.const i64x2 0 0))) in a module; `body` follows the v128 constants on the stack. */
function validates(body: readonly number[]): boolean {
  const code = [0, ...body, 0x1a, 0x0b];
  return WebAssembly.validate(
    new Uint8Array([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...[1, 4, 1, 0x60, 0, 0], // types: () -> ()
      ...[3, 2, 1, 0], // functions
      ...[10, code.length + 2, 1, code.length, ...code],
    ]),
  );
}

const ZEROS = [0xfd, 0x0c, ...new Array<number>(16).fill(0)]; // v128.const

export function supportsSimd(): boolean {
  return validates(ZEROS);
}

/** Tries i16x8.relaxed_dot_i8x16_i7x16_s. */
export function supportsRelaxedSimd(): boolean {
  return validates([...ZEROS, ...ZEROS, 0xfd, 0x92, 0x02]);
}
