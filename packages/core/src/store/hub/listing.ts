/**
 * What a repository holds at a revision, by the hub's API: one request tells the commit, all files, their sizes and the
 * checksums of the large ones. With a store the answer is kept, so that a stored model opens without a network.
 */
import { abortedError, isMilletError, MilletError } from "../../errors.js";
import { withRetries } from "../http-request.js";
import { statusError, transientError } from "../http-response.js";
import { sha256OfText } from "../keep/hash.js";
import { Route } from "../route.js";
import { type NetworkUse, notStoredError, type SourceOptions, type StoreNotes } from "../source.js";
import { unlessStalled } from "../stall.js";
import type { HubReference } from "./reference.js";

export interface HubFile {
  readonly path: string;
  readonly byteLength: number | undefined;
  /** Of files in large file storage. */
  readonly sha256: string | undefined;
  /** Git's id of the file as it is in the repository. */
  readonly blobId: string | undefined;
}

export interface HubListing {
  /** The revision's commit at the time. */
  readonly commit: string;
  readonly files: readonly HubFile[];
}

export interface HubAccess {
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly options: SourceOptions;
  readonly network: NetworkUse;
  readonly notes: StoreNotes | undefined;
}

const CHECK_MS = 5000;
const MOST_BYTES = 64 << 20;

/** @throws MilletError SOURCE_NOT_FOUND, SOURCE_READ_FAILED, SOURCE_NOT_STORED, ABORTED */
export async function hubListing(reference: HubReference, access: HubAccess): Promise<HubListing> {
  const { repo, revision } = reference;
  const url = apiUrl(reference, access.endpoint);
  const id = sha256OfText(url.href);
  const kept = parseListing((await access.notes?.read(id)) ?? "");
  const isCommit = /^[0-9a-f]{40}$/.test(revision);
  if (kept && (access.network !== "auto" || isCommit)) return kept;
  if (access.network === "none") throw notStoredError(`hf:${repo}`);
  try {
    // Who has something stored does not wait long for news of it.
    const hurried = { ...access.options, retries: 0, stallMs: CHECK_MS };
    const text = await ask(url, kept ? { ...access, options: hurried } : access);
    const listing = parseListing(text);
    if (!listing) throw transientError(String(url), "the answer is no list of files");
    await access.notes?.write(id, JSON.stringify(asAnswer(listing)));
    return listing;
  } catch (error) {
    if (!isMilletError(error) || error.code === "ABORTED") throw error;
    if (!kept) throw explained(error, reference);
    access.options.onNote?.(
      `hf:${repo} is used as it is stored: its hub could not be asked (${error.message})`,
    );
    return kept;
  }
}

/** Where a file of a listing lies. */
export function fileUrl({ repo }: HubReference, commit: string, path: string, endpoint: URL): URL {
  const parts = path.split("/").map(encodeURIComponent).join("/");
  return new URL(`${base(endpoint)}${repo}/resolve/${commit}/${parts}`);
}

function apiUrl({ repo, revision }: HubReference, endpoint: URL): URL {
  return new URL(`${base(endpoint)}api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`);
}

function base({ href }: URL): string {
  return href.endsWith("/") ? href : `${href}/`;
}

async function ask(url: URL, { options, headers }: HubAccess): Promise<string> {
  const route = new Route(url, { ...options, headers });
  return withRetries(options, options.signal, async () => {
    const response = await route.request({}, options.signal);
    if (response.status !== 200) {
      await response.body?.cancel();
      throw statusError(String(url), response);
    }
    const length = Number(response.headers.get("content-length") ?? 0);
    if (length > MOST_BYTES) throw transientError(String(url), `the answer has ${length} bytes`);
    const text = response.text().catch((cause: unknown) => {
      throw options.signal?.aborted
        ? abortedError(options.signal, `Reading ${url}`)
        : transientError(String(url), "the connection broke", { cause });
    });
    return unlessStalled(text, url, options.stallMs);
  });
}

/** The hub says 401 of private, gated and missing repositories alike. */
function explained(error: MilletError, { repo, revision }: HubReference): MilletError {
  const { status } = error.details;
  const isMissing = error.code === "SOURCE_NOT_FOUND";
  if (!isMissing && status !== 401 && status !== 403) return error;
  return new MilletError(
    isMissing ? "SOURCE_NOT_FOUND" : "SOURCE_READ_FAILED",
    `hf:${repo}@${revision} ${isMissing ? "does not exist" : "does not exist, or is private or gated"}. Check the name; ` +
      "for a private or gated model, accept its terms on the hub and set HF_TOKEN or the option hub.token.",
    { cause: error, details: { repo, revision, status } },
  );
}

/** Undefined unless `text` is what the API answers; entries that make no sense are left out. */
function parseListing(text: string): HubListing | undefined {
  const answer = parseObject(text);
  const { sha, siblings } = answer ?? {};
  if (typeof sha !== "string" || !/^[0-9a-f]{40}$/.test(sha) || !Array.isArray(siblings)) return undefined;
  return { commit: sha, files: siblings.flatMap((entry: unknown) => parseFile(entry) ?? []) };
}

function parseFile(entry: unknown): HubFile | undefined {
  if (!isObject(entry) || typeof entry.rfilename !== "string") return undefined;
  const { rfilename: path, size, blobId } = entry;
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) return undefined;
  const sha256 = isObject(entry.lfs) ? entry.lfs.sha256 : undefined;
  return {
    path,
    byteLength: Number.isSafeInteger(size) && Number(size) >= 0 ? Number(size) : undefined,
    sha256: typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined,
    blobId: typeof blobId === "string" ? blobId : undefined,
  };
}

/** As the API would say it, without what nobody needs. */
function asAnswer({ commit, files }: HubListing) {
  const siblings = files.map(({ path, byteLength, sha256, blobId }) => ({
    rfilename: path,
    size: byteLength,
    blobId,
    ...(sha256 !== undefined && { lfs: { sha256 } }),
  }));
  return { sha: commit, siblings };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // no JSON is no listing either
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
