/** What a store is for its users. Types only; create-store.ts makes one. */
import type { Pieces } from "./place/piece-store.js";
import type {
  DownloadProgress,
  HubOptions,
  ModelFiles,
  NetworkUse,
  RemoteStore,
  SourceOptions,
} from "./source.js";

/**
 * Files that an app provides where Millet knows of none, as in React Native: folders of small and large pieces. One
 * process uses them at a time.
 */
export interface StoreFiles extends Pieces {
  /** For people: a path. */
  readonly location: string;
  /** Bytes that may still be written; undefined if nobody knows. */
  availableBytes(): Promise<number | undefined>;
}

export interface StoreOptions {
  /** Node: where to keep files. Default: MILLET_CACHE, else "millet" in the user's cache folder. */
  readonly folder?: string | undefined;
  /** In place of the platform's own. */
  readonly files?: StoreFiles | undefined;
  /** Most bytes that are kept: what was used least recently goes. Default: as much as there is room for. */
  readonly maxBytes?: number | undefined;
  /**
   * "auto" (default): asks the server whether a stored file is current, and uses it as it is if the server cannot be
   * reached. "missing": asks for nothing that is stored. "none": sends no request at all.
   */
  readonly network?: NetworkUse | undefined;
  readonly hub?: HubOptions | undefined;
  /** Requests at the same time, per file. Default 4. */
  readonly connections?: number | undefined;
  /** What is checked, noted and repaired as one. Default 4 MiB. */
  readonly chunkBytes?: number | undefined;
  /** "stream": where the store fails, models are loaded without it and `Model.storage` says why. Default "fail". */
  readonly onFailure?: "fail" | "stream" | undefined;
}

/** A file of the store. */
export interface StoredFile {
  /** hf: reference, or URL without query. A content may have several. */
  readonly address: string;
  readonly name: string;
  readonly byteLength: number;
  /** What is there; less than `byteLength` for a download that was interrupted. */
  readonly storedBytes: number;
  /** Of the content; undefined until it is complete. */
  readonly sha256: string | undefined;
  /** Undefined if nobody noted it. */
  readonly usedAt: Date | undefined;
}

export interface StorePlaceReport {
  readonly kind: "folder" | "opfs" | "cache-api" | "files";
  readonly location: string;
  /** Bytes of all files. */
  readonly storedBytes: number;
  /** Undefined if the system does not tell. */
  readonly availableBytes: number | undefined;
}

export interface StoreCallOptions extends Pick<SourceOptions, "signal" | "fetch" | "headers"> {
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Told what did not make the call fail, such as a server that could not be asked. */
  readonly onNote?: ((text: string) => void) | undefined;
}

export interface PullOptions extends StoreCallOptions {
  /** Reads what is stored against its checksums, and fetches again what is damaged. */
  readonly repair?: boolean | undefined;
}

/** What `verify` found of one file. */
export interface VerifyReport {
  readonly file: StoredFile;
  readonly damagedChunks: number;
  /** Whether the damage was mended. */
  readonly isRepaired: boolean;
  /** Why it was not, though it was to be. */
  readonly problem?: string | undefined;
}

/**
 * Files from servers, kept on this device: each is downloaded once, whoever asks for it and however often the download
 * is interrupted. All methods fail with MilletError STORE_FAILED where the place cannot be used.
 */
export interface Store extends RemoteStore {
  /** Where it is and what it holds. */
  place(): Promise<StorePlaceReport>;
  /**
   * Downloads a model: an hf: reference, a URL, or the files of a model package.
   * @throws MilletError SOURCE_*, STORE_FULL, STORE_FAILED, ABORTED, INVALID_ARGUMENT
   */
  pull(source: string | URL | ModelFiles, options?: PullOptions): Promise<readonly StoredFile[]>;
  list(): Promise<readonly StoredFile[]>;
  /**
   * Reads stored files against their checksums.
   * @param selector as for `remove`; default: all files
   */
  verify(
    selector?: string,
    options?: StoreCallOptions & { readonly repair?: boolean | undefined },
  ): Promise<readonly VerifyReport[]>;
  /**
   * @param selector an address, the beginning of one up to a "/" or "@" ("hf:owner/repo"), a file's name, or a SHA-256
   * @returns what was removed; files that are open stay
   */
  remove(selector: string): Promise<readonly StoredFile[]>;
  /** Removes what was used least recently until at most `maxBytes` are left; never what is open. */
  evict(maxBytes: number): Promise<readonly StoredFile[]>;
  /** Asks the browser to keep the store when the device runs short of space. @returns whether it promises that */
  persist(): Promise<boolean>;
}
