/** A bump allocator over addresses; it places things and owns no memory. */

/** Every allocation starts on a cache line. */
export const ALIGNMENT = 64;

export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

export class Region {
  readonly start: number;
  #end: number;

  constructor(start: number) {
    this.start = aligned(start);
    this.#end = this.start;
  }

  get end(): number {
    return this.#end;
  }

  /** The address of `byteLength` new bytes. */
  allocate(byteLength: number): number {
    const address = this.#end;
    this.#end += aligned(byteLength);
    return address;
  }
}
