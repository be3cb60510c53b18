/**
 * Brings a file from its server into the store. The ref of its address names the data before the first byte comes and
 * the content after the last one is checked, so whatever ends this in between, the next call goes on from there.
 */
import { isMilletError, MilletError } from "../../errors.js";
import { randomName } from "../../platform/random.js";
import { sameVersion } from "../http-response.js";
import type { ChunkLayout, StorePlace } from "../place/place.js";
import type { RemoteFile } from "../source.js";
import type { KeepCall, KeeperOptions } from "./call.js";
import { download } from "./download.js";
import { dataLock, type Evictor } from "./evict.js";
import { sha256OfText } from "./hash.js";
import { probe, type Remote } from "./probe.js";
import type { Content, PartialData, Records, Ref } from "./records.js";

export interface Keeping {
  readonly place: StorePlace;
  readonly records: Records;
  readonly evictor: Evictor;
  readonly options: KeeperOptions;
}

/** A file that changes while it is downloaded is begun anew so often. */
const ATTEMPTS = 2;
/** Once a download runs, it gives up late: breaks are common where files are large. */
const RETRIES = 5;
/** Left free on the disk, for the records and everybody else. */
const MARGIN_BYTES = 8 << 20;

/** The caller holds the lock of the file's ref. @throws MilletError SOURCE_*, STORE_*, ABORTED */
export async function bring(
  keeping: Keeping,
  file: RemoteFile,
  id: string,
  call: KeepCall,
): Promise<Content> {
  for (let attempt = 1; ; attempt++) {
    try {
      const remote = await probe(file, call.options);
      return await bringVersion(keeping, file, id, remote, call);
    } catch (error) {
      const changed = isMilletError(error) && error.code === "SOURCE_CHANGED";
      if (!changed || attempt === ATTEMPTS) throw error;
    }
  }
}

async function bringVersion(
  keeping: Keeping,
  file: RemoteFile,
  id: string,
  remote: Remote,
  call: KeepCall,
): Promise<Content> {
  const { place, records, evictor } = keeping;
  const before = await records.ref(id);
  const partial = await partialFor(keeping, file, remote, before);
  const known = { ...remote, sha256: remote.sha256 ?? partial.sha256 };
  const release = await place.lock(dataLock(partial.key), lockOptions(call));
  try {
    let content = known.sha256 === undefined ? undefined : await records.content(known.sha256);
    if (content === undefined) {
      await makeRoom(keeping, file, partial);
      await records.writeRef(id, { ...named(file), ...pointed(before), partial });
      await records.writeUse(partial.key, Date.now());
      const sha256 = await fetchData(keeping, file, partial, known, call);
      content = await settleContent(keeping, { sha256, ...layoutOf(partial), key: partial.key });
    }
    await records.writeUse(content.sha256, Date.now());
    const { version } = remote;
    await records.writeRef(id, { ...named(file), sha256: content.sha256, version, tag: file.tag });
    await records.removeUse(partial.key);
    if (before?.sha256 !== undefined && before.sha256 !== content.sha256)
      await dropSuperseded(keeping, before.sha256);
    return content;
  } catch (error) {
    // Bytes that are not what was announced are no beginning of anything.
    const isCorrupt = isMilletError(error) && error.code === "SOURCE_CORRUPT";
    if (isCorrupt) await records.writeRef(id, { ...named(file), ...pointed(before) });
    throw error;
  } finally {
    await release();
    await evictor.sweep();
  }
}

/** What to fill: what an earlier run left, if it is of the same version. */
async function partialFor(
  { records, options: { chunkBytes } }: Keeping,
  file: RemoteFile,
  { version, sha256, isPinned }: Remote,
  ref: Ref | undefined,
): Promise<PartialData> {
  const { tag } = file;
  const old = ref?.partial;
  const isSame =
    old &&
    old.byteLength === version.byteLength &&
    (sha256 !== undefined && old.sha256 !== undefined
      ? sha256 === old.sha256
      : tag === old.tag && sameVersion(version, old.version));
  if (isSame) return old;
  const { byteLength } = version;
  const known = sha256 ?? sha256OfText(JSON.stringify([file.identity, tag, version]));
  // What is stored whole is never written to: a server that tells no version may have another file of the same size.
  const isTaken = [...(await records.contents()).values()].some(({ key }) => key === known);
  const key = isTaken || !isPinned ? sha256OfText(randomName()) : known;
  return { key, byteLength, chunkBytes, version, tag, sha256 };
}

async function fetchData(
  keeping: Keeping,
  file: RemoteFile,
  partial: PartialData,
  remote: Remote,
  { options, progress }: KeepCall,
): Promise<string> {
  const { place, options: settings } = keeping;
  const data = await place.openData(partial.key, partial, "write");
  const { signal = new AbortController().signal } = options;
  const { connections } = settings;
  const patient = { ...options, retries: options.retries ?? RETRIES };
  try {
    return await download(
      { name: file.name, remote, data, layout: partial, options: patient, connections, progress },
      signal,
    );
  } finally {
    await data.close();
  }
}

/** @throws MilletError STORE_FULL before anything is written */
async function makeRoom(
  { place, evictor, options: { maxBytes } }: Keeping,
  file: RemoteFile,
  partial: PartialData,
): Promise<void> {
  const { byteLength, key } = partial;
  if (maxBytes !== undefined && byteLength > maxBytes) {
    throw fullError(place, file, `it has ${byteLength} bytes and the store may hold ${maxBytes} (maxBytes)`);
  }
  const missing = byteLength - (await evictor.partialBytes(partial));
  if (maxBytes !== undefined) await evictor.evict(maxBytes - missing, key);
  let available = await place.availableBytes();
  if (available !== undefined && available < missing + MARGIN_BYTES) {
    await evictor.sweep();
    available = await place.availableBytes();
  }
  if (available !== undefined && available < missing + MARGIN_BYTES)
    throw fullError(place, file, `${missing} bytes are to come and ${available} are free`);
}

function fullError(place: StorePlace, file: RemoteFile, why: string): MilletError {
  return new MilletError(
    "STORE_FULL",
    `There is no room for ${file.name} in ${place.location}: ${why}. Nothing was downloaded. Free some space, or ` +
      'remove models from the store ("millet remove", store.remove()).',
    { details: { location: place.location, name: file.name } },
  );
}

/** The record that makes the data count. The same content may have come from elsewhere meanwhile: one is enough. */
async function settleContent({ place, records }: Keeping, content: Content): Promise<Content> {
  const other = await records.content(content.sha256);
  if (other && other.key !== content.key) {
    await place.removeData(content.key);
    return other;
  }
  await records.writeContent(content);
  return content;
}

/** An older version that no address names any more goes, unless it is open. */
async function dropSuperseded({ records, evictor }: Keeping, sha256: string): Promise<void> {
  const content = await records.content(sha256);
  const refs = [...(await records.refs()).values()];
  if (content && !refs.some((ref) => ref.sha256 === sha256))
    await evictor.remove({ key: content.key, content });
}

/** What the address, as such, brings into its ref. */
export function named({ address, name, source }: RemoteFile): Pick<Ref, "address" | "name" | "source"> {
  return { address, name, source };
}

/** The content that an address has so far. */
function pointed(ref: Ref | undefined): Pick<Ref, "sha256" | "version" | "tag"> {
  return ref ? { sha256: ref.sha256, version: ref.version, tag: ref.tag } : {};
}

function layoutOf({ byteLength, chunkBytes }: ChunkLayout): ChunkLayout {
  return { byteLength, chunkBytes };
}

function lockOptions({ options: { signal } }: KeepCall) {
  return { mode: "exclusive", wait: true, signal } as const;
}
