/** Decodes UTF-8 strings of a header: one by one, or the many short ones of a vocabulary at once. */

import { TextList, textOf, writeUnits } from "../../platform/text-list.js";
import { createUtf8Decoder } from "../../platform/utf8.js";

// A byte order mark is a token like any other, and damaged text must not keep a model from loading.
const decoder = createUtf8Decoder({ ignoreBOM: true });
const SHORT = 64;
const scratch = new Uint16Array(SHORT);

/** The text of bytes [start, end); malformed parts become U+FFFD. Short ones at about five times TextDecoder's speed. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start <= SHORT ? decodeInto(bytes, start, end, scratch, 0) : -1;
  return length < 0 ? decoder.decode(bytes.subarray(start, end)) : textOf(scratch, 0, length);
}

/**
 * The texts of `count` strings as GGUF writes them, each behind its length in 64 bits, in bytes [start, end) of a header
 * that was checked. As {@link decodeText}.
 */
export function decodeTexts(bytes: Uint8Array, start: number, end: number, count: number): TextList {
  const starts = new Uint32Array(count + 1);
  const units = new Uint16Array(end - start - 8 * count); // never more units than bytes
  for (let i = 0, at = start, length = 0; i < count; i++) {
    const textStart = at + 8;
    // A header is below 4 GiB, so the upper half of the length is 0.
    at = textStart + (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)) + bytes[at + 3]! * 2 ** 24;
    const next = decodeInto(bytes, textStart, at, units, length);
    length = next < 0 ? writeUnits(decodeText(bytes, textStart, at), units, length) : next;
    starts[i + 1] = length;
  }
  return new TextList(units, starts);
}

/** Writes the units of well-formed bytes [start, end) at `length`; returns where they end, -1 for malformed ones. */
function decodeInto(
  bytes: Uint8Array,
  start: number,
  end: number,
  units: Uint16Array,
  length: number,
): number {
  for (let at = start; at < end; ) {
    const first = bytes[at++]!;
    if (first < 0x80) {
      units[length++] = first;
      continue;
    }
    const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
    if (more === 0 || at + more > end) return -1;
    let point = first & (0x3f >> more);
    for (let i = 0; i < more; i++) {
      const byte = bytes[at++]!;
      if ((byte & 0xc0) !== 0x80) return -1;
      point = (point << 6) | (byte & 0x3f);
    }
    if (more === 1) units[length++] = point;
    else if (more === 2) {
      if (point < 0x800 || (point & 0xf800) === 0xd800) return -1;
      units[length++] = point;
    } else {
      if (point < 0x10000 || point > 0x10ffff) return -1;
      units[length++] = 0xd7c0 + (point >> 10);
      units[length++] = 0xdc00 | (point & 0x3ff);
    }
  }
  return length;
}
