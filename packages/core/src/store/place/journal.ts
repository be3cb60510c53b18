/**
 * The journal of a data file: which chunks were written whole, and their hashes. It is appended to after the chunk is on
 * the disk, so an entry that can be read is true; entries that were cut off by a crash or damaged are passed over.
 *
 *     millet journal 1 <byteLength> <chunkBytes>
 *     <index> <sha256, or "-" for a chunk that does not count any more> <check of the two>
 */
import type { ChunkLayout } from "./place.js";

export function journalHead({ byteLength, chunkBytes }: ChunkLayout): string {
  return `millet journal 1 ${byteLength} ${chunkBytes}`;
}

/** Begins with the line's end, so that an entry which was cut off before it does not swallow it. */
export function journalEntry(index: number, sha256: string | undefined): string {
  const body = `${index} ${sha256 ?? "-"}`;
  return `\n${body} ${check(body)}`;
}

/** Chunks and their hashes; undefined if the journal is none for a file of this layout. */
export function parseJournal(text: string, layout: ChunkLayout): Map<number, string> | undefined {
  const [head, ...lines] = text.split("\n");
  if (head !== journalHead(layout)) return undefined;
  const chunks = new Map<number, string>();
  for (const line of lines) {
    const match = /^((\d{1,9}) ([0-9a-f]{64}|-)) ([0-9a-f]{8})$/.exec(line);
    if (!match || check(match[1]!) !== match[4]) continue;
    const index = Number(match[2]);
    if (index * layout.chunkBytes >= layout.byteLength) continue;
    if (match[3] === "-") chunks.delete(index);
    else chunks.set(index, match[3]!);
  }
  return chunks;
}

/** FNV-1a over UTF-16 units, 32 bits: against accidents. */
function check(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
