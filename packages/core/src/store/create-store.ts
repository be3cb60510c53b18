/**
 * Makes a store. Its works, which keep and check files, are a part of their own that is imported at first use: a page that
 * opens a file of its user needs none of it.
 */
import { corePart, MilletError } from "../errors.js";
import type { Store, StoreOptions } from "./store.js";

/**
 * A store of downloads. Making one touches nothing: its place is opened at first use.
 *
 *     const store = createStore({ maxBytes: 20e9 });
 *     await store.pull("hf:owner/repo/model.gguf", { onProgress: ({ loadedBytes, totalBytes }) => ... });
 *     const model = await loadModel("hf:owner/repo/model.gguf", { backend: cpu(), store });
 *
 * @throws MilletError INVALID_ARGUMENT for numbers that make no sense
 */
export function createStore(options: StoreOptions = {}): Store {
  for (const name of ["maxBytes", "chunkBytes", "connections"] as const) {
    const value = options[name];
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue;
    throw new MilletError(
      "INVALID_ARGUMENT",
      `createStore: ${name} is a whole number above 0, not ${value}.`,
    );
  }
  const { onFailure = "fail", network = "auto", hub = {} } = options;
  return whenUsed({ onFailure, network, hub }, async () => {
    const { createPlacedStore } = await corePart(import("./placed-store.js"));
    return createPlacedStore(options);
  });
}

/** A store whose methods wait for the one that `make` gives; after a failure the next call makes it again. */
function whenUsed(facts: Pick<Store, "onFailure" | "network" | "hub">, make: () => Promise<Store>): Store {
  let made: Promise<Store> | undefined;
  const store = (): Promise<Store> => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
  return {
    ...facts,
    notes: {
      read: async (id) => (await store()).notes.read(id),
      write: async (id, text) => (await store()).notes.write(id, text),
    },
    place: async () => (await store()).place(),
    pull: async (...given) => (await store()).pull(...given),
    list: async () => (await store()).list(),
    verify: async (...given) => (await store()).verify(...given),
    remove: async (...given) => (await store()).remove(...given),
    evict: async (...given) => (await store()).evict(...given),
    persist: async () => (await store()).persist(),
    open: async (...given) => (await store()).open(...given),
  };
}
