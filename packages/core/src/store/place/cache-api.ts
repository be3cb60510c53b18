/** Pieces as answers in a cache of the Cache API, each under an address that nobody serves. */
import type { Pieces } from "./piece-store.js";

/** The version of everything that is kept: another layout goes into another cache. */
const CACHE = "millet-store-1";
const BASE = "https://millet.invalid/";

export class CachePieces implements Pieces {
  readonly #cache: Cache;

  private constructor(cache: Cache) {
    this.#cache = cache;
  }

  static async open(caches: CacheStorage): Promise<CachePieces> {
    return new CachePieces(await caches.open(CACHE));
  }

  async read(folder: string, name: string): Promise<Blob | undefined> {
    return (await this.#cache.match(address(folder, name)))?.blob();
  }

  async write(folder: string, name: string, content: Uint8Array<ArrayBuffer> | string): Promise<void> {
    await this.#cache.put(address(folder, name), new Response(content));
  }

  async remove(folder: string, name: string): Promise<void> {
    await this.#cache.delete(address(folder, name));
  }

  async removeFolder(folder: string): Promise<void> {
    for (const name of await this.list(folder)) await this.remove(folder, name);
  }

  async list(folder: string): Promise<string[]> {
    const prefix = address(folder, "");
    const all = await this.#addresses();
    return all.filter((url) => url.startsWith(prefix)).map((url) => url.slice(prefix.length));
  }

  async listFolders(prefix: string): Promise<string[]> {
    const start = BASE + prefix;
    const inside = (await this.#addresses()).filter((url) => url.startsWith(start));
    return [...new Set(inside.map((url) => url.slice(start.length).split("/")[0]!))];
  }

  async #addresses(): Promise<string[]> {
    return (await this.#cache.keys()).map(({ url }) => url);
  }
}

const address = (folder: string, name: string): string => `${BASE}${folder}/${name}`;
