/** A model on a Hugging Face hub as files on a server: pinned to one commit, with the checksums that the hub tells. */
import { MilletError } from "../../errors.js";
import {
  notFoundError,
  type RemoteFile,
  type RemoteModel,
  type SourceOptions,
  type StoreNotes,
} from "../source.js";
import { chooseFiles, folderOf, nameOf } from "./choose.js";
import { fileUrl, type HubFile, hubListing } from "./listing.js";
import { type HubReference, hubAddress } from "./reference.js";

const DEFAULT_ENDPOINT = "https://huggingface.co";

/** The hub in use. @throws MilletError INVALID_ARGUMENT */
export function hubEndpoint({ hub, store }: SourceOptions): URL {
  const text = hub?.endpoint ?? store?.hub.endpoint ?? environment("HF_ENDPOINT") ?? DEFAULT_ENDPOINT;
  try {
    return new URL(text);
  } catch (cause) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      `The hub's endpoint "${text}" is no address. Give one such as ${DEFAULT_ENDPOINT} (HF_ENDPOINT, hub.endpoint).`,
      { cause },
    );
  }
}

/** @throws MilletError SOURCE_*, INVALID_ARGUMENT, ABORTED */
export async function hubModel(reference: HubReference, options: SourceOptions): Promise<RemoteModel> {
  const endpoint = hubEndpoint(options);
  const { hub, store } = options;
  const token = hub?.token ?? store?.hub.token ?? environment("HF_TOKEN");
  const headers = { ...options.headers, ...(token && { authorization: `Bearer ${token}` }) };
  const network = options.network ?? store?.network ?? "auto";
  const access = { endpoint, headers, options, network, notes: lenientNotes(options) };
  const { commit, files } = await hubListing(reference, access);
  const toRemote = (file: HubFile): RemoteFile => {
    const address = hubAddress(reference, file.path);
    return {
      address,
      identity: address,
      source: address,
      name: nameOf(file.path),
      url: fileUrl(reference, commit, file.path, endpoint),
      headers,
      sha256: file.sha256,
      byteLength: file.byteLength,
      tag: file.blobId,
    };
  };
  const chosen = chooseFiles(reference, files);
  const folder = folderOf(chosen[0]!.path);
  return {
    files: chosen.map(toRemote),
    sibling(name) {
      const file = files.find(({ path }) => path === folder + name);
      if (!file) throw notFoundError(name, ` in hf:${reference.repo}`);
      return toRemote(file);
    },
  };
}

/** Where a store that cannot be used does not matter, its notes do not either. */
function lenientNotes({ store }: SourceOptions): StoreNotes | undefined {
  if (!store || store.onFailure === "fail") return store?.notes;
  const { notes } = store;
  return {
    read: (id) => notes.read(id).catch(() => undefined),
    write: (id, text) => notes.write(id, text).catch(() => undefined),
  };
}

function environment(name: string): string | undefined {
  return globalThis.process?.env?.[name] || undefined;
}
