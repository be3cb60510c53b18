/** Writes what a call brings along as the words of the program's call buffer. */
import type { ActiveRows, InputData } from "@millet/core/backend";
import { fillRotationTable } from "@millet/core/ops";
import { viewAs } from "@millet/core/tensor";
import { type CallLayout, COUNT_WORDS } from "../lower/call-layout.js";

/**
 * @param target as long as the layout says; words that nothing is written to keep what they hold
 * @param data of inputs; those that only the device knows are left out
 */
export function fillCallWords(
  target: Uint32Array,
  layout: CallLayout,
  rows: ActiveRows,
  data: InputData,
): void {
  target[COUNT_WORDS.tokens] = rows.tokens;
  target[COUNT_WORDS.logits] = rows.logits;
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  for (const [value, word] of layout.inputs) {
    const tensor = data(value);
    if (tensor) bytes.set(tensor.data, 4 * word);
  }
  for (const { word, rope, positions } of layout.rotations) {
    const tensor = data(positions);
    if (!tensor) continue;
    fillRotationTable(
      new Float32Array(target.buffer, target.byteOffset + 4 * word),
      rope,
      viewAs(tensor, "i32"),
    );
  }
}
