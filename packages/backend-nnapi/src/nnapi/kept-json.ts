/**
 * Data that is dear to make, kept in a file between loads: plain values, maps, sets and float arrays, which stay shared
 * where they are. A file that is damaged, or was written for another key, counts for nothing.
 */
import { contentHash } from "@millet/core/tensor";
import type { RuntimeFiles } from "../runtime/files.js";

/** "hash key\n" and JSON. */
const HEADER = /^(\S+) (.*)\n/;

/** @returns what `keep` was given for this key, or what `make` gives, which is kept; a full disk is no failure */
export async function kept<T>(
  files: RuntimeFiles,
  name: string,
  key: string,
  make: () => Promise<T>,
): Promise<T> {
  const found: T | undefined = await read(files, name, key).catch(() => undefined); // it will be made again
  if (found !== undefined) return found;
  const made = await make();
  const body = encoded(made);
  const bytes = new TextEncoder().encode(`${hashOf(body)} ${key}\n${body}`);
  async function* pieces() {
    yield bytes;
  }
  await files
    .write(name, pieces())
    .catch(() => files.remove(name))
    .catch(() => undefined); // nor then
  return made;
}

async function read(files: RuntimeFiles, name: string, key: string) {
  if ((await files.size(name)) === undefined) return undefined;
  const text = await files.readText(name);
  const [header, hash, of] = HEADER.exec(text) ?? [];
  const body = text.slice(header?.length ?? 0);
  return of === key && hash === hashOf(body) ? decoded(body) : undefined;
}

const hashOf = (body: string) => contentHash(new TextEncoder().encode(body));

/** Each float array once, by its place in a list. */
function encoded(value: unknown): string {
  const places = new Map<Float32Array, number>();
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Map) return { map: [...part] };
    if (part instanceof Set) return { set: [...part] };
    if (!(part instanceof Float32Array)) return part;
    const place = places.get(part) ?? places.size;
    places.set(part, place);
    return { floats: place };
  });
  return `[${text},${JSON.stringify([...places.keys()].map((array) => [...array]))}]`;
}

function decoded(body: string) {
  const [value, lists]: [unknown, readonly (readonly number[])[]] = JSON.parse(body);
  const arrays = lists.map((list) => Float32Array.from(list));
  return JSON.parse(JSON.stringify(value), (_, part: unknown) => {
    if (typeof part !== "object" || part === null) return part;
    if ("floats" in part && typeof part.floats === "number") return arrays[part.floats];
    if ("map" in part && Array.isArray(part.map)) return new Map(part.map);
    if ("set" in part && Array.isArray(part.set)) return new Set(part.set);
    return part;
  });
}
