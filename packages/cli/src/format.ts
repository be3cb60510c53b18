/** Numbers as people read them. */

const DECIMAL_UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** 98 MB, 1.4 GB: powers of 1000, as model files and disks are sold. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < DECIMAL_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${DECIMAL_UNITS[unit]}`;
}

/** 12,345 */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** 0.35 ms, 12 ms, 1.4 s, 2 min 5 s */
export function formatMs(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** 84.2 tokens/s; nothing measurable is "-". */
export function formatRate(tokens: number, ms: number): string {
  if (tokens <= 0 || ms <= 0) return "-";
  return `${formatSpeed((tokens * 1000) / ms)} tokens/s`;
}

/** 1,234 or 84.2: three or four figures. */
export function formatSpeed(perSecond: number): string {
  return perSecond >= 1000 ? formatCount(perSecond) : perSecond.toFixed(1);
}

/** Lines of `rows` with their columns aligned; numbers in columns of `right` to the right. */
export function formatTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}
