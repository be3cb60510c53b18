/** Gets WebAssembly memory, on the host and in workers alike; hence it imports nothing. */

export interface Allocated {
  readonly memory: WebAssembly.Memory;
  /** Pages that it can grow to: fewer than were asked for where the platform would not reserve them. */
  readonly maximum: number;
}

/**
 * A memory of `initial` pages that grows to `maximum` pages if it can. Platforms reserve addresses for the maximum, and
 * phones refuse what desktops give; then it settles for less room to grow.
 * @throws RangeError if even the initial pages cannot be had
 */
export function allocate(initial: number, maximum: number, shared: boolean): Allocated {
  for (let room = Math.max(0, maximum - initial); ; room = Math.floor(room / 2)) {
    try {
      return {
        memory: new WebAssembly.Memory({ initial, maximum: initial + room, shared }),
        maximum: initial + room,
      };
    } catch (error) {
      if (room === 0) throw error;
    }
  }
}
