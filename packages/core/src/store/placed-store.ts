/** A store at a place: what createStore() gives, once it is used. What it does with chunks is the business of keep/. */
import { isMilletError, MilletError } from "../errors.js";
import type { ByteSource } from "../tensor/byte-source.js";
import { FOLDER_CONFIG } from "./folder.js";
import type { KeepCall } from "./keep/call.js";
import { Keeper } from "./keep/keeper.js";
import { selectFiles, storedFiles } from "./keep/listing.js";
import { ProgressMeter } from "./keep/progress.js";
import { openPlace } from "./place/open.js";
import type { StorePlace } from "./place/place.js";
import { resolveFiles, resolveRemote } from "./resolve.js";
import {
  type ModelFiles,
  type NetworkUse,
  notFoundError,
  type RemoteFile,
  type RemoteModel,
  type SourceOptions,
} from "./source.js";
import type {
  PullOptions,
  Store,
  StoreCallOptions,
  StoredFile,
  StoreOptions,
  StorePlaceReport,
  VerifyReport,
} from "./store.js";

const CHUNK_BYTES = 4 << 20;
const CONNECTIONS = 4;

/** A web server does not tell what a folder holds. */
function folderError(source: unknown): MilletError {
  return new MilletError(
    "INVALID_ARGUMENT",
    `${source} is a folder on a server, whose files are not known before they are used: load it, which stores them, ` +
      "or give the list of its files.",
  );
}

/** Where the platform has a place for it. */
export function createPlacedStore(options: StoreOptions): Store {
  return createStoreAt(() => openPlace(options), options);
}

/** @param open opens the place; after a failure it is called again at the next use */
export function createStoreAt(open: () => Promise<StorePlace>, options: StoreOptions): Store {
  return new PlacedStore(open, options);
}

class PlacedStore implements Store {
  readonly onFailure: "fail" | "stream";
  readonly network: NetworkUse;
  readonly hub: NonNullable<StoreOptions["hub"]>;
  readonly notes = {
    read: async (id: string) => (await this.#keeper()).place.readRecord("hub", id),
    write: async (id: string, text: string) => (await this.#keeper()).place.writeRecord("hub", id, text),
  };
  readonly #open: () => Promise<StorePlace>;
  readonly #options: StoreOptions;
  #opened: Promise<Keeper> | undefined;

  constructor(open: () => Promise<StorePlace>, options: StoreOptions) {
    this.#open = open;
    this.#options = options;
    this.onFailure = options.onFailure ?? "fail";
    this.network = options.network ?? "auto";
    this.hub = options.hub ?? {};
  }

  async place(): Promise<StorePlaceReport> {
    const { place, evictor } = await this.#keeper();
    const { kind, location } = place;
    const storedBytes = (await evictor.holdings()).reduce((sum, { byteLength }) => sum + byteLength, 0);
    return { kind, location, storedBytes, availableBytes: await place.availableBytes() };
  }

  async pull(source: string | URL | ModelFiles, options: PullOptions = {}): Promise<readonly StoredFile[]> {
    const keeper = await this.#keeper();
    const { onProgress, onNote, repair, ...rest } = options;
    const sourceOptions = { ...rest, onDownload: onProgress, onNote, store: this };
    const model = await this.#resolve(source, sourceOptions);
    if (model.files[0]!.name === FOLDER_CONFIG && model.files.length === 1) throw folderError(source);
    const calls = this.#calls(model, sourceOptions);
    for (const file of model.files) {
      if (repair) await keeper.repair(file, calls(file));
      else await keeper.ensure(file, calls(file));
    }
    const addresses = new Set(model.files.map(({ address }) => address));
    return (await storedFiles(keeper)).filter(({ address }) => addresses.has(address));
  }

  async list(): Promise<readonly StoredFile[]> {
    return storedFiles(await this.#keeper());
  }

  async verify(
    selector?: string,
    options: StoreCallOptions & { readonly repair?: boolean | undefined } = {},
  ): Promise<readonly VerifyReport[]> {
    const keeper = await this.#keeper();
    const files = selectFiles(await storedFiles(keeper), selector).filter(({ sha256 }) => sha256);
    const meter = new ProgressMeter(options.onProgress);
    const progress = files.map(({ address, byteLength }) => meter.file(address, byteLength));
    const reports: VerifyReport[] = [];
    for (const [i, file] of files.entries()) {
      const content = await keeper.records.content(file.sha256!);
      if (!content) continue;
      const call = { options, network: this.network, progress: progress[i]!, onNote: () => undefined };
      const damagedChunks = (await keeper.damagedChunks(content, call)).length;
      const mended = damagedChunks > 0 && options.repair ? await this.#mend(keeper, file, options) : {};
      reports.push({ file, damagedChunks, isRepaired: false, ...mended });
    }
    return reports;
  }

  async remove(selector: string): Promise<readonly StoredFile[]> {
    const keeper = await this.#keeper();
    const files = selectFiles(await storedFiles(keeper), selector);
    const keys = new Set<string>();
    for (const ref of (await keeper.records.refs()).values()) {
      if (!files.some(({ address }) => address === ref.address)) continue;
      const content = ref.sha256 === undefined ? undefined : await keeper.records.content(ref.sha256);
      if (content && (await keeper.evictor.remove({ key: content.key, content }))) keys.add(ref.address);
      const { partial } = ref;
      const isGone = partial && (await keeper.evictor.remove({ key: partial.key, content: undefined }));
      if (isGone) keys.add(ref.address);
    }
    return files.filter(({ address }) => keys.has(address));
  }

  async evict(maxBytes: number): Promise<readonly StoredFile[]> {
    const keeper = await this.#keeper();
    const before = await storedFiles(keeper);
    await keeper.evictor.evict(maxBytes);
    const after = new Set((await storedFiles(keeper)).map(({ address }) => address));
    return before.filter(({ address }) => !after.has(address));
  }

  async persist(): Promise<boolean> {
    return (await this.#keeper()).place.persist();
  }

  async open(model: RemoteModel, options: SourceOptions): Promise<ByteSource> {
    const keeper = await this.#keeper();
    let isOffline = (options.network ?? this.network) === "none";
    const onNote = (note: string) => {
      isOffline = true; // notes tell of servers that could not be asked
      options.onNote?.(note);
    };
    const calls = this.#calls(model, { ...options, onNote });
    // All files first: so progress knows the whole, and a model is there whole or not at all.
    for (const file of model.files) await keeper.ensure(file, calls(file));
    const open = (file: RemoteFile, network: NetworkUse, signal: AbortSignal | undefined) => {
      const call = calls(file);
      return keeper.open(file, { ...call, network, options: { ...call.options, signal } }, sibling);
    };
    // What was just brought or asked for is current for this model.
    const whatIsThere = () => (isOffline ? "none" : "missing");
    const sibling = async (name: string, signal?: AbortSignal): Promise<ByteSource> => {
      const file = model.sibling(name);
      const member = model.files.find(({ identity }) => identity === file.identity);
      if (member) return open(member, whatIsThere(), signal);
      if (!isOffline) return open(file, calls(file).network, signal);
      return open(file, "none", signal).catch((error: unknown) => {
        // A folder's files may be there or not, and as far as can be known, this one is not.
        const isAbsent = isMilletError(error) && error.code === "SOURCE_NOT_STORED";
        throw isAbsent ? notFoundError(file.address, " in the store, and its server cannot be asked") : error;
      });
    };
    return open(model.files[0]!, whatIsThere(), options.signal);
  }

  async #mend(keeper: Keeper, { address }: StoredFile, options: StoreCallOptions) {
    const refs = [...(await keeper.records.refs()).values()];
    const source = refs.find((ref) => ref.address === address)?.source;
    if (source === undefined) {
      return {
        problem: "Its address is not kept, since it may hold a secret: pull it again by its address.",
      };
    }
    try {
      await this.pull(source, { ...options, repair: true });
      return { isRepaired: true };
    } catch (error) {
      if (options.signal?.aborted || !(error instanceof Error)) throw error;
      return { problem: error.message };
    }
  }

  async #resolve(source: string | URL | ModelFiles, options: SourceOptions): Promise<RemoteModel> {
    const isList = typeof source === "object" && "files" in source;
    const model = isList ? resolveFiles(source) : await resolveRemote(source, options);
    if (model) return model;
    throw new MilletError(
      "INVALID_ARGUMENT",
      `${isList ? "These files are" : `"${source}" is`} on this device already. The store keeps what comes from ` +
        "servers: name an http(s) URL or hf:owner/repo.",
    );
  }

  #calls(model: RemoteModel, options: SourceOptions): (file: RemoteFile) => KeepCall {
    const meter = new ProgressMeter(options.onDownload);
    const parts = new Map(model.files.map((file) => [file.identity, meter.file(file.name, file.byteLength)]));
    const { onNote = () => undefined } = options;
    return (file) => ({
      options: { ...options, httpCache: false },
      network: options.network ?? this.network,
      progress: parts.get(file.identity) ?? meter.file(file.name, file.byteLength),
      onNote,
    });
  }

  #keeper(): Promise<Keeper> {
    const { maxBytes, chunkBytes = CHUNK_BYTES, connections = CONNECTIONS } = this.#options;
    this.#opened ??= this.#open().then(
      (place) => new Keeper(place, { maxBytes, chunkBytes, connections }),
      (error: unknown) => {
        this.#opened = undefined;
        throw error;
      },
    );
    return this.#opened;
  }
}
