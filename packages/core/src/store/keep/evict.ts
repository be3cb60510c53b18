/** Makes room: removes what nobody can name any more, then what was used least recently. Never what is open. */
import type { Release, StorePlace } from "../place/place.js";
import type { Content, Records, Ref } from "./records.js";

/** Something that takes space. */
export interface Holding {
  /** Of its data. */
  readonly key: string;
  /** Undefined for a download in the making. */
  readonly content: Content | undefined;
  readonly byteLength: number;
  readonly usedMs: number;
}

export const useLock = (sha256: string): string => `use-${sha256}`;
export const dataLock = (key: string): string => `data-${key}`;

export class Evictor {
  readonly #place: StorePlace;
  readonly #records: Records;

  constructor(place: StorePlace, records: Records) {
    this.#place = place;
    this.#records = records;
  }

  /** Bytes that the store takes, and by what. */
  async holdings(): Promise<Holding[]> {
    const holdings: Holding[] = [];
    const refs = [...(await this.#records.refs()).values()];
    for (const content of (await this.#records.contents()).values()) {
      const isNamed = refs.some(({ sha256 }) => sha256 === content.sha256);
      const usedMs = isNamed ? await this.#records.usedMs(content.sha256) : 0;
      holdings.push({ key: content.key, content, byteLength: content.byteLength, usedMs });
    }
    for (const { partial } of refs) {
      if (!partial || holdings.some(({ key }) => key === partial.key)) continue;
      const byteLength = await this.partialBytes(partial);
      holdings.push({
        key: partial.key,
        content: undefined,
        byteLength,
        usedMs: await this.#records.usedMs(partial.key),
      });
    }
    return holdings;
  }

  /** What has come of a download. */
  async partialBytes(partial: NonNullable<Ref["partial"]>): Promise<number> {
    const { key, byteLength, chunkBytes } = partial;
    if (!(await this.#place.listData()).includes(key)) return 0;
    const data = await this.#place.openData(key, partial, "read");
    try {
      const chunks = await data.chunks();
      const last = Math.ceil(byteLength / chunkBytes) - 1;
      const missing = chunks.has(last) ? (last + 1) * chunkBytes - byteLength : 0; // the last may be shorter
      return chunks.size * chunkBytes - missing;
    } finally {
      await data.close();
    }
  }

  /**
   * Removes until at most `maxBytes` are left, or nothing more can go.
   * @param keep data that stays
   * @returns the keys of what went
   */
  async evict(maxBytes: number, keep?: string): Promise<Holding[]> {
    await this.sweep();
    const holdings = await this.holdings();
    let total = holdings.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const gone: Holding[] = [];
    for (const holding of holdings.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= maxBytes) break;
      if (holding.key === keep || !(await this.remove(holding))) continue;
      total -= holding.byteLength;
      gone.push(holding);
    }
    return gone;
  }

  /** @returns false if it is open, or being downloaded */
  async remove({ key, content }: Pick<Holding, "key" | "content">): Promise<boolean> {
    const releases: Release[] = [];
    const locks = content ? [useLock(content.sha256), dataLock(key)] : [dataLock(key)];
    try {
      for (const lock of locks) {
        const release = await this.#place.lock(lock, { mode: "exclusive", wait: false });
        if (!release) return false;
        releases.push(release);
      }
      // Names first, data last: what remains after a crash is data without a name, which the next sweep removes.
      for (const [id, ref] of await this.#records.refs()) {
        if (content ? ref.sha256 === content.sha256 : ref.partial?.key === key)
          await this.#forget(id, ref, content);
      }
      if (content) await this.#records.removeContent(content.sha256);
      await this.#records.removeUse(content?.sha256 ?? key);
      await this.#place.removeData(key);
      return true;
    } finally {
      for (const release of releases) await release();
    }
  }

  async #forget(id: string, ref: Ref, content: Content | undefined): Promise<void> {
    const rest: Ref = content
      ? { ...ref, sha256: undefined, version: undefined }
      : { ...ref, partial: undefined };
    if (rest.sha256 === undefined && rest.partial === undefined) await this.#records.removeRef(id);
    else await this.#records.writeRef(id, rest);
  }

  /** Removes data that no record names: what a crash or a changed file left. */
  async sweep(): Promise<void> {
    // Listed before the records are read: a download names its data before it makes it.
    const keys = await this.#place.listData();
    const named = keys.length > 0 ? await this.#namedKeys() : new Set();
    for (const key of keys.filter((key) => !named.has(key))) {
      const release = await this.#place.lock(dataLock(key), { mode: "exclusive", wait: false });
      if (!release) continue;
      try {
        // Looked at again: a download that ends passes its data from one record to another.
        if (!(await this.#namedKeys()).has(key)) await this.#place.removeData(key);
      } finally {
        await release();
      }
    }
  }

  async #namedKeys(): Promise<Set<string>> {
    const refs = [...(await this.#records.refs()).values()];
    const contents = [...(await this.#records.contents()).values()];
    return new Set([...refs.flatMap(({ partial }) => partial?.key ?? []), ...contents.map(({ key }) => key)]);
  }
}
