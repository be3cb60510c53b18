/** The store's records as values: what was written is read back, and anything else counts as absent. */
import type { FileVersion } from "../http-response.js";
import type { ChunkLayout, RecordKind, StorePlace } from "../place/place.js";

/** Data in the making. */
export interface PartialData extends ChunkLayout {
  readonly key: string;
  readonly version: FileVersion;
  readonly tag?: string | undefined;
  /** Of the whole, where it is known: what was announced, or what was there before it was damaged. */
  readonly sha256?: string | undefined;
}

/** What an address led to. */
export interface Ref {
  readonly address: string;
  readonly name: string;
  /** What to load to get it again; absent where that may hold secrets. */
  readonly source?: string | undefined;
  /** Of the content that is stored; absent until the first download ends. */
  readonly sha256?: string | undefined;
  readonly version?: FileVersion | undefined;
  /** Of the content that is stored: see RemoteFile. */
  readonly tag?: string | undefined;
  readonly partial?: PartialData | undefined;
}

/** A file that is stored whole. */
export interface Content extends ChunkLayout {
  readonly sha256: string;
  /** Of its data. */
  readonly key: string;
}

export class Records {
  readonly #place: StorePlace;

  constructor(place: StorePlace) {
    this.#place = place;
  }

  ref(id: string): Promise<Ref | undefined> {
    return this.#read("refs", id, isRef);
  }

  writeRef(id: string, ref: Ref): Promise<void> {
    return this.#place.writeRecord("refs", id, JSON.stringify(ref));
  }

  removeRef(id: string): Promise<void> {
    return this.#place.removeRecord("refs", id);
  }

  refs(): Promise<Map<string, Ref>> {
    return this.#all("refs", isRef);
  }

  content(sha256: string): Promise<Content | undefined> {
    return this.#read("contents", sha256, isContent);
  }

  writeContent(content: Content): Promise<void> {
    return this.#place.writeRecord("contents", content.sha256, JSON.stringify(content));
  }

  removeContent(sha256: string): Promise<void> {
    return this.#place.removeRecord("contents", sha256);
  }

  contents(): Promise<Map<string, Content>> {
    return this.#all("contents", isContent);
  }

  /** When the content was used last; 0 if nobody noted it. */
  async usedMs(sha256: string): Promise<number> {
    return (await this.#read("uses", sha256, isTime)) ?? 0;
  }

  writeUse(sha256: string, timeMs: number): Promise<void> {
    return this.#place.writeRecord("uses", sha256, JSON.stringify(timeMs));
  }

  removeUse(sha256: string): Promise<void> {
    return this.#place.removeRecord("uses", sha256);
  }

  async #all<T>(kind: RecordKind, is: (value: unknown) => value is T): Promise<Map<string, T>> {
    const all = new Map<string, T>();
    for (const id of await this.#place.listRecords(kind)) {
      const value = await this.#read(kind, id, is);
      if (value !== undefined) all.set(id, value);
    }
    return all;
  }

  async #read<T>(kind: RecordKind, id: string, is: (value: unknown) => value is T): Promise<T | undefined> {
    const text = await this.#place.readRecord(kind, id);
    const value = text === undefined ? undefined : parseJson(text);
    return is(value) ? value : undefined;
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // damaged: as if it were not there
  }
}

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isNullableText = (value: unknown): boolean => value === null || isText(value);
/** Names files of the place, so nothing else may pass. */
const isKey = (value: unknown): boolean => isText(value) && /^[0-9a-f]{64}$/.test(value);

function isLayout({ byteLength, chunkBytes }: Fields): boolean {
  return (
    Number.isSafeInteger(byteLength) &&
    Number(byteLength) >= 0 &&
    Number.isSafeInteger(chunkBytes) &&
    Number(chunkBytes) > 0
  );
}

function isPartial(value: unknown): boolean {
  return (
    isObject(value) &&
    isKey(value.key) &&
    isLayout(value) &&
    isVersion(value.version) &&
    (value.tag === undefined || isText(value.tag)) &&
    (value.sha256 === undefined || isKey(value.sha256))
  );
}

function isVersion(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value.byteLength === "number" &&
    isNullableText(value.etag) &&
    isNullableText(value.lastModified)
  );
}

function isRef(value: unknown): value is Ref {
  return (
    isObject(value) &&
    isText(value.address) &&
    isText(value.name) &&
    (value.source === undefined || isText(value.source)) &&
    (value.tag === undefined || isText(value.tag)) &&
    (value.sha256 === undefined || isKey(value.sha256)) &&
    (value.version === undefined || isVersion(value.version)) &&
    (value.partial === undefined || isPartial(value.partial))
  );
}

function isContent(value: unknown): value is Content {
  return isObject(value) && isKey(value.sha256) && isKey(value.key) && isLayout(value);
}
