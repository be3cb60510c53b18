/**
 * Counts what a fuzzed parser allocates: every buffer made through a constructor or a copying method while `count`
 * runs. Buffers made elsewhere in the process at that time count too, so a reading is an upper bound.
 */

export interface Allocations {
  /** Bytes of the largest single buffer. */
  largest: number;
  /** Bytes of all buffers together, those freed meanwhile included. */
  total: number;
}

const counted: Allocations = { largest: 0, total: 0 };

function note(byteLength: number): void {
  counted.total += byteLength;
  counted.largest = Math.max(counted.largest, byteLength);
}

const TYPED = [
  "Uint8Array",
  "Int8Array",
  "Uint16Array",
  "Int16Array",
  "Uint32Array",
  "Int32Array",
  "Float32Array",
  "Float64Array",
  "BigUint64Array",
  "BigInt64Array",
  "ArrayBuffer",
  "Array",
] as const;

/** Replaces the constructors of this realm. Call once, before the code under test is loaded. */
export function hookAllocations(): void {
  for (const name of TYPED) {
    const Original = globalThis[name];
    const hooked = new Proxy(Original as new (...args: never[]) => object, {
      construct(target, args: never[], newTarget) {
        // A count of elements must be seen before the buffer is made: making it may be what kills the process.
        const width = "BYTES_PER_ELEMENT" in Original ? Original.BYTES_PER_ELEMENT : name === "Array" ? 8 : 1;
        const [first] = args as readonly unknown[];
        if (typeof first === "number") note(first * width);
        else if (Array.isArray(first) || ArrayBuffer.isView(first))
          note((first as Uint8Array).length * width);
        return Reflect.construct(target, args, newTarget);
      },
    });
    Object.defineProperty(globalThis, name, { value: hooked, configurable: true, writable: true });
  }
  hookSlice();
}

/** `slice` of typed arrays bypasses the global constructors. */
function hookSlice(): void {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
  const original = prototype.slice;
  prototype.slice = function (this: Uint8Array, ...range: Parameters<typeof original>) {
    const copy = original.apply(this, range);
    note(copy.byteLength);
    return copy;
  };
}

/** What `run` allocates. */
export async function countAllocations(run: () => Promise<void>): Promise<Allocations> {
  counted.largest = 0;
  counted.total = 0;
  await run();
  return { ...counted };
}
