/** A store of tuning records in memory. */
import type { TuningStore } from "../../src/options.js";

export interface MemoryStore extends TuningStore {
  readonly texts: Map<string, string>;
}

export function memoryStore(): MemoryStore {
  const texts = new Map<string, string>();
  return {
    texts,
    read: async (name) => texts.get(name),
    write: async (name, text) => void texts.set(name, text),
  };
}
