/** Where the graphemes of a text stand on a terminal: rows of cells, wrapped, and the cursor among them. Pure. */
import stringWidth from "string-width";
import { printable } from "../terminal/io.js";

const TAB = "    ";

export interface Layout {
  readonly rows: readonly string[];
  readonly cursorRow: number;
  /** In cells from the left end of the row. */
  readonly cursorColumn: number;
}

/** @param columns cells per row; the last stays free, because terminals differ in how they wrap there */
export function layOut(graphemes: readonly string[], cursor: number, columns: number): Layout {
  const limit = Math.max(2, columns - 1);
  const rows: string[] = [];
  let row = "";
  let width = 0;
  let at = { cursorRow: 0, cursorColumn: 0 };
  for (let i = 0; i < graphemes.length; i++) {
    const cell = shown(graphemes[i]!);
    const cells = cellWidth(cell);
    if (width + cells > limit) {
      rows.push(row);
      row = "";
      width = 0;
    }
    if (i === cursor) at = { cursorRow: rows.length, cursorColumn: width };
    if (graphemes[i] === "\n") {
      rows.push(row);
      row = "";
      width = 0;
    } else {
      row += cell;
      width += cells;
    }
  }
  if (cursor >= graphemes.length) at = { cursorRow: rows.length, cursorColumn: width };
  return { rows: [...rows, row], ...at };
}

/**
 * The row on which the cursor stands after a terminal of `columns` cells has wrapped the rows anew.
 * @param indent cells before each row
 */
export function reflowedCursorRow(
  { rows, cursorRow, cursorColumn }: Layout,
  indent: number,
  columns: number,
): number {
  const above = rows
    .slice(0, cursorRow)
    .map((row) => Math.max(1, Math.ceil((stringWidth(row) + indent) / columns)));
  return above.reduce((sum, count) => sum + count, 0) + Math.floor((cursorColumn + indent) / columns);
}

/** The part of `layout` of at most `height` rows that holds the cursor. */
export function crop(layout: Layout, height: number): Layout {
  const { rows, cursorRow, cursorColumn } = layout;
  if (rows.length <= height) return layout;
  const first = Math.min(Math.max(0, cursorRow - height + 1), rows.length - height);
  return { rows: rows.slice(first, first + height), cursorRow: cursorRow - first, cursorColumn };
}

function shown(grapheme: string): string {
  if (grapheme === "\n") return "";
  return grapheme === "\t" ? TAB : printable(grapheme);
}

/** Cells that a grapheme takes: 0, 1 or 2. */
function cellWidth(grapheme: string): number {
  const isPlain = grapheme.length === 1 && grapheme >= " " && grapheme <= "~"; // nearly all, and cheap
  return isPlain ? 1 : stringWidth(grapheme);
}
