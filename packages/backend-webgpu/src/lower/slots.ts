/**
 * Lets values that are not alive at the same time share a scratch buffer. Each slot is a buffer of its own, so that one
 * dispatch may read some and write others.
 */
import type { Dispatch } from "../program/dispatch.js";

/** A slot before sharing. */
export interface VirtualSlot {
  readonly byteLength: number;
  /** Written before the first dispatch. */
  readonly isInput: boolean;
  /** Read after the last dispatch. */
  readonly isOutput: boolean;
}

export interface SlotPlan {
  /** The shared slot of each virtual one. */
  readonly assigned: readonly number[];
  /** Bytes of each shared slot. */
  readonly byteLengths: readonly number[];
}

/** Linear scan in order of first use: a slot whose value is dead is taken again, the one that fits best. */
export function planSlots(slots: readonly VirtualSlot[], dispatches: readonly Dispatch[]): SlotPlan {
  const lifetimes = slots.map(({ isInput, isOutput }, slot) => {
    const uses = dispatches.flatMap(({ operands }, i) =>
      operands.some((operand) => operand.space === "scratch" && operand.slot === slot) ? [i] : [],
    );
    const first = isInput ? -1 : (uses[0] ?? -1);
    return { slot, first, last: isOutput ? dispatches.length : (uses.at(-1) ?? first) };
  });
  const shared: { byteLength: number; free: number }[] = []; // free: first dispatch that may take it
  const assigned = new Array<number>(slots.length).fill(0);
  for (const { slot, first, last } of lifetimes.toSorted((a, b) => a.first - b.first || a.slot - b.slot)) {
    const need = slots[slot]!.byteLength;
    const waste = (i: number) => Math.abs(shared[i]!.byteLength - need);
    const [best] = [...shared.keys()]
      .filter((i) => shared[i]!.free <= first)
      .sort((a, b) => waste(a) - waste(b));
    const index = best ?? shared.push({ byteLength: 0, free: 0 }) - 1;
    shared[index] = { byteLength: Math.max(shared[index]!.byteLength, need), free: last + 1 };
    assigned[slot] = index;
  }
  return { assigned, byteLengths: shared.map(({ byteLength }) => byteLength) };
}
