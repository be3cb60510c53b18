/**
 * Keeps files of servers: what an address stands for is downloaded once, by one process or tab at a time, and then
 * served from the place until the server has something else.
 */
import { isMilletError } from "../../errors.js";
import type { OpenSibling } from "../memory.js";
import { chunkCount, chunkRange, type Release, type StorePlace } from "../place/place.js";
import { notStoredError, type RemoteFile } from "../source.js";
import { bring, type Keeping, named } from "./bring.js";
import type { KeepCall, KeeperOptions } from "./call.js";
import { readSound } from "./chunk-board.js";
import { Evictor, useLock } from "./evict.js";
import { sha256OfText } from "./hash.js";
import { isUnchanged } from "./probe.js";
import { type Content, Records } from "./records.js";
import { StoredSource } from "./stored-source.js";

/** The longest that a server is waited for which is only asked whether a file is current. */
const CHECK_MS = 5000;
/** How often a waiting call looks how far the other one is. */
const LOOK_MS = 250;
/** What is stored may vanish between finding and opening it, if something else removes it. */
const TRIES = 3;

export class Keeper {
  readonly #keeping: Keeping;

  constructor(place: StorePlace, options: KeeperOptions) {
    const records = new Records(place);
    this.#keeping = { place, records, evictor: new Evictor(place, records), options };
  }

  get place(): StorePlace {
    return this.#keeping.place;
  }

  get records(): Records {
    return this.#keeping.records;
  }

  get evictor(): Evictor {
    return this.#keeping.evictor;
  }

  /** The file's content, downloaded if need be. @throws MilletError SOURCE_*, STORE_*, ABORTED */
  async ensure(file: RemoteFile, call: KeepCall): Promise<Content> {
    const id = sha256OfText(file.identity);
    const stored = await this.#stored(file, id);
    if (stored && (call.network !== "auto" || (await this.#isKnown(file, id))))
      return this.#found(stored, file, id, call);
    if (call.network === "none") throw notStoredError(file.address);
    return this.#exclusively(id, call, async (hasWaited) => {
      const content = await this.#stored(file, id);
      const isGood = content && (hasWaited || (await this.#isCurrent(file, id, call)));
      return isGood ? this.#found(content, file, id, call) : bring(this.#keeping, file, id, call);
    });
  }

  /** Opens the file, downloaded if need be. It stays as long as it is open. Throws as `ensure`. */
  async open(file: RemoteFile, call: KeepCall, sibling: OpenSibling): Promise<StoredSource> {
    for (let tries = 1; ; tries++) {
      const content = await this.ensure(file, call);
      const source = await this.#openContent(file, content, call, sibling);
      if (source) return source;
      if (tries === TRIES) throw notStoredError(file.address);
    }
  }

  /**
   * Reads a stored file and fetches again what is damaged of it.
   * @returns how many chunks were damaged
   */
  async repair(file: RemoteFile, call: KeepCall): Promise<number> {
    const id = sha256OfText(file.identity);
    const content = await this.#stored(file, id);
    const bad = content ? await this.damagedChunks(content, call) : [];
    if (!content || bad.length === 0) {
      await this.ensure(file, call);
      return 0;
    }
    if (call.network === "none") throw notStoredError(file.address);
    await this.#exclusively(id, call, async () => {
      await this.#reopen(file, id, content, bad);
      await bring(this.#keeping, file, id, call);
    });
    return bad.length;
  }

  /** Indexes of the chunks that are not what was stored. @throws MilletError ABORTED, STORE_FAILED */
  async damagedChunks(content: Content, { options: { signal }, progress }: KeepCall): Promise<number[]> {
    const damaged: number[] = [];
    const data = await this.place.openData(content.key, content, "read").catch(() => undefined);
    if (!data) return Array.from({ length: chunkCount(content) }, (_, i) => i); // it is gone as a whole
    try {
      const hashes = await data.chunks();
      progress.begin(0, content.byteLength);
      for (let index = 0; index < chunkCount(content); index++) {
        const { start, end } = chunkRange(content, index);
        const bytes = new Uint8Array(end - start);
        if (!(await readSound(data, content, index, hashes.get(index), bytes, signal))) damaged.push(index);
        progress.add(end - start);
      }
    } finally {
      await data.close();
    }
    return damaged;
  }

  /** What was whole becomes a download in the making, of the same version and with the same end. */
  async #reopen(file: RemoteFile, id: string, content: Content, bad: readonly number[]): Promise<void> {
    const { key, byteLength, chunkBytes, sha256 } = content;
    const ref = await this.records.ref(id);
    const version = ref?.version ?? { byteLength, etag: null, lastModified: null };
    const data = await this.place.openData(key, content, "write");
    try {
      for (const index of bad) await data.forgetChunk(index);
    } finally {
      await data.close();
    }
    const partial = { key, byteLength, chunkBytes, version, tag: ref?.tag, sha256 };
    await this.records.writeRef(id, { ...named(file), partial });
    await this.records.removeContent(sha256);
  }

  async #openContent(file: RemoteFile, { sha256 }: Content, call: KeepCall, sibling: OpenSibling) {
    const { signal } = call.options;
    const release = await this.place.lock(useLock(sha256), { mode: "shared", wait: true, signal });
    const content = await this.records.content(sha256);
    try {
      if (!content) return await giveUp(release);
      const data = await this.place.openData(content.key, content, "read");
      try {
        const end = new Uint8Array(Math.min(1, content.byteLength));
        await data.readInto(content.byteLength - end.byteLength, end, signal);
      } catch (error) {
        await data.close();
        throw error;
      }
      const { name, address } = file;
      return new StoredSource({
        name,
        address,
        byteLength: content.byteLength,
        sha256,
        data,
        release,
        sibling,
      });
    } catch (error) {
      await release();
      const isGone = isMilletError(error) && error.code === "STORE_FAILED";
      if (!isGone || signal?.aborted) throw error;
      // Something else removed or cut the data: its record must not promise it any more.
      await this.records.removeContent(sha256);
      return undefined;
    }
  }

  async #stored(file: RemoteFile, id: string): Promise<Content | undefined> {
    const sha256 = file.sha256 ?? (await this.records.ref(id))?.sha256;
    return sha256 === undefined ? undefined : this.records.content(sha256);
  }

  async #found(content: Content, file: RemoteFile, id: string, call: KeepCall): Promise<Content> {
    call.progress.begin(content.byteLength, content.byteLength);
    await this.records.writeUse(content.sha256, Date.now());
    const ref = await this.records.ref(id);
    if (ref?.sha256 !== content.sha256) {
      await this.records.writeRef(id, { ...ref, ...named(file), sha256: content.sha256, tag: file.tag });
    }
    return content;
  }

  /** Whether it is clear without asking that what is stored is what is at the address. */
  async #isKnown({ sha256, tag }: RemoteFile, id: string): Promise<boolean> {
    return sha256 !== undefined || (tag !== undefined && (await this.records.ref(id))?.tag === tag);
  }

  /** A server that cannot be asked does not keep anybody from what is stored. */
  async #isCurrent(file: RemoteFile, id: string, call: KeepCall): Promise<boolean> {
    const ref = await this.records.ref(id);
    const version = ref?.version;
    if (!version || file.tag !== ref.tag) return false;
    const { options } = call;
    try {
      const stallMs = Math.min(options.stallMs ?? CHECK_MS, CHECK_MS);
      return await isUnchanged(file, version, { ...options, stallMs });
    } catch (error) {
      if (!isMilletError(error) || options.signal?.aborted) throw error;
      call.onNote(
        `${file.address} is used as it is stored: its server could not be asked (${error.message})`,
      );
      return true;
    }
  }

  /** Runs `use` with the lock of a ref; while another process has it, tells how far that one is. */
  async #exclusively<T>(id: string, call: KeepCall, use: (hasWaited: boolean) => Promise<T>): Promise<T> {
    const name = `ref-${id}`;
    const { signal } = call.options;
    const free = await this.place.lock(name, { mode: "exclusive", wait: false, signal });
    const release = free ?? (await this.#waitForLock(name, id, call));
    try {
      return await use(free === undefined);
    } finally {
      await release();
    }
  }

  async #waitForLock(name: string, id: string, call: KeepCall): Promise<Release> {
    const { signal } = call.options;
    const look = async () => {
      const partial = (await this.records.ref(id))?.partial;
      if (partial) call.progress.waitFor(await this.evictor.partialBytes(partial), partial.byteLength);
    };
    // Progress is for show: if it cannot be told, the wait goes on.
    const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS);
    try {
      return await this.place.lock(name, { mode: "exclusive", wait: true, signal });
    } finally {
      clearInterval(timer);
    }
  }
}

async function giveUp(release: Release): Promise<undefined> {
  await release();
  return undefined;
}
