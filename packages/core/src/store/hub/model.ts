/** A model on a Hugging Face hub as files on a server: pinned to one commit, with the checksums that the hub tells. */
import {
  notFoundError,
  type RemoteFile,
  type RemoteModel,
  type SourceOptions,
  type StoreNotes,
} from "../source.js";
import { chooseFiles, folderOf, nameOf } from "./choose.js";
import { hubEndpoint, hubToken } from "./endpoint.js";
import { fileUrl, type HubFile, hubListing } from "./listing.js";
import { type HubReference, hubAddress } from "./reference.js";

/** @throws MilletError SOURCE_*, INVALID_ARGUMENT, ABORTED */
export async function hubModel(reference: HubReference, options: SourceOptions): Promise<RemoteModel> {
  const endpoint = hubEndpoint(options);
  const token = hubToken(options);
  const headers = { ...options.headers, ...(token && { authorization: `Bearer ${token}` }) };
  const network = options.network ?? options.store?.network ?? "auto";
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
