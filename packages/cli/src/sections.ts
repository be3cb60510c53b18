/** Reports in sections: a title, and a table under it. */
import { formatTable } from "./format.js";
import type { Output } from "./terminal/io.js";

export function section(
  output: Output,
  title: string,
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): void {
  output.styled("bold", title);
  output.line();
  const lines = rows.length > 0 ? formatTable(rows, right) : ["none"];
  for (const line of lines) output.line(`  ${line}`);
  output.line();
}
