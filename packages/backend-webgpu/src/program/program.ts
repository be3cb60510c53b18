/** Makes a Program of what was lowered: slots shared, text printed. */
import { planSlots, type VirtualSlot } from "../lower/slots.js";
import type { Dispatch, Operand, Program } from "./dispatch.js";

/** A program, and the shared slot of each virtual one. */
export function createProgram(
  name: string,
  dispatches: readonly Dispatch[],
  slots: readonly VirtualSlot[],
): { readonly program: Program; readonly assigned: readonly number[] } {
  const { assigned, byteLengths } = planSlots(slots, dispatches);
  const placed = dispatches.map((dispatch) => ({
    ...dispatch,
    operands: dispatch.operands.map((operand) =>
      operand.space === "scratch" ? { ...operand, slot: assigned[operand.slot]! } : operand,
    ),
  }));
  const program: Program = {
    name,
    dispatches: placed,
    slots: byteLengths,
    toString: () => print(name, placed, byteLengths),
  };
  return { program, assigned };
}

function print(name: string, dispatches: readonly Dispatch[], slots: readonly number[]): string {
  const lines = dispatches.map(({ kernel, label, operands, weightBytes, choice }, i) => {
    const weights = weightBytes > 0 ? `, ${weightBytes} bytes of weights` : "";
    const variant = choice ? ` [${choice.candidate}, ${choice.source}]` : "";
    return `  ${i} ${kernel.name}${variant} ${label} (${operands.map(describe).join(", ")})${weights}`;
  });
  return [`program ${name} {`, `  slots of ${slots.join(", ")} bytes`, ...lines, "}"].join("\n");
}

function describe(operand: Operand): string {
  switch (operand.space) {
    case "weights":
      return `page ${operand.page}`;
    case "scratch":
      return `slot ${operand.slot}`;
    case "keys":
    case "values":
      return `${operand.space} ${operand.layer}`;
    case "call":
    case "positions":
      return operand.space;
    default:
      return operand satisfies never;
  }
}
