/**
 * A progress bar on standard error: one line, redrawn in place, gone when done. Elsewhere than on a terminal it
 * writes nothing.
 */
import { formatBytes } from "../format.js";
import type { Output } from "./io.js";

const REDRAW_MS = 50;
const BAR_CELLS = 24;
/** Loads shorter than this show no bar: a flash is noise. */
const DELAY_MS = 150;

export class ProgressBar {
  readonly #output: Output;
  readonly #now: () => number;
  readonly #startedMs: number;
  #drawnMs = -Infinity;
  #visible = false;

  constructor(output: Output, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#now = now;
    this.#startedMs = now();
  }

  /**
   * @param doneBytes of `totalBytes`; a total of 0 means unknown
   * @param detail what else there is to say, where there is room
   */
  update(label: string, doneBytes: number, totalBytes: number, detail = ""): void {
    const now = this.#now();
    if (!this.#output.isTerminal || now - this.#startedMs < DELAY_MS || now - this.#drawnMs < REDRAW_MS)
      return;
    this.#drawnMs = now;
    this.#visible = true;
    this.#output.raw(`\r\x1b[2K${progressLine(label, doneBytes, totalBytes, this.#output.columns, detail)}`);
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#visible) this.#output.raw("\r\x1b[2K");
    this.#visible = false;
  }
}

/** The bar as text, at most `columns` - 1 wide. */
export function progressLine(
  label: string,
  doneBytes: number,
  totalBytes: number,
  columns: number,
  detail = "",
): string {
  const known = totalBytes > 0;
  const part = known ? Math.min(1, doneBytes / totalBytes) : 0;
  const cells = Math.floor(part * BAR_CELLS);
  const bar = known ? `[${"#".repeat(cells)}${"-".repeat(BAR_CELLS - cells)}] ` : "";
  const percent = known ? `${String(Math.floor(part * 100)).padStart(3)}%  ` : "";
  const bytes = known ? `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}` : formatBytes(doneBytes);
  const full = `${label}  ${bar}${percent}${bytes}`;
  const short = `${label}  ${percent.trimEnd()}`;
  const detailed = detail === "" ? full : `${full}, ${detail}`;
  return ([detailed, full].find((line) => line.length < columns) ?? short).slice(0, columns - 1);
}
