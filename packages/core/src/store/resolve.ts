/** What an address on a server stands for: one file, the files of a split model, or what a hub lists. */
import { corePart, MilletError } from "../errors.js";
import { isUrl } from "../platform/kinds.js";
import { canOpenFiles } from "./file.js";
import { firstFile, withoutFolder } from "./folder.js";
import { hubEndpoint } from "./hub/endpoint.js";
import { type HubReference, parseHubPage, parseHubReference } from "./hub/reference.js";
import { urlFile, urlModel } from "./remote.js";
import {
  type ModelFiles,
  notFoundError,
  type RemoteFile,
  type RemoteModel,
  type SourceOptions,
} from "./source.js";

/** A path unless it has a URL's scheme; one letter before the colon is a Windows drive. */
export function toUrl(address: string | URL): URL | undefined {
  if (isUrl(address)) return address;
  if (/^[a-z][a-z0-9+.-]+:/i.test(address)) return parseUrl(address);
  if (canOpenFiles() || typeof location === "undefined") return undefined;
  return parseUrl(address, location.href);
}

function parseUrl(address: string, base?: string): URL {
  try {
    return new URL(address, base);
  } catch (cause) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      `"${address}" is no valid address. Check it for typing errors.`,
      {
        cause,
      },
    );
  }
}

/** The model at an address; undefined for one that is on this device. @throws MilletError SOURCE_*, INVALID_ARGUMENT */
export async function resolveRemote(
  address: string | URL,
  options: SourceOptions,
): Promise<RemoteModel | undefined> {
  const reference = typeof address === "string" ? parseHubReference(address) : undefined;
  if (reference) return onHub(reference, options);
  const url = toUrl(address);
  if (!url || !isHttp(url)) return undefined;
  const page = parseHubPage(url, hubEndpoint(options));
  return page ? onHub(page, options) : urlModel(withoutFolder(url));
}

async function onHub(reference: HubReference, options: SourceOptions): Promise<RemoteModel> {
  const { hubModel } = await corePart(import("./hub/model.js"));
  return hubModel(reference, options);
}

/** Files that are given one by one, if all of them are on servers. */
export function resolveFiles({ files }: ModelFiles): RemoteModel | undefined {
  const remote: RemoteFile[] = [];
  for (const { name, location, ...known } of files) {
    const url = typeof location === "string" || isUrl(location) ? toUrl(location) : undefined;
    if (!url || !isHttp(url)) return undefined;
    remote.push({ ...urlFile(url, known), name });
  }
  if (remote.length === 0) return undefined;
  const sibling = (name: string) => {
    const file = remote.find((candidate) => candidate.name === name);
    if (!file) throw notFoundError(name, ` among the ${files.length} files given`);
    return file;
  };
  const first = sibling(firstFile(files)!.name);
  return { files: [first, ...remote.filter((file) => file !== first)], sibling };
}

function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}
