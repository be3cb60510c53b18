/** What follows from the URL of a file alone: its name, its siblings, the other files of a split model. */
import { checkFileName, type RemoteFile, type RemoteModel } from "./source.js";

export function urlModel(url: URL): RemoteModel {
  const names = shardNames(fileName(url));
  const sibling = (name: string) => urlFile(siblingUrl(url, name));
  return { files: names.length > 0 ? names.map(sibling) : [urlFile(url)], sibling };
}

export function urlFile(url: URL, known: Pick<RemoteFile, "sha256" | "byteLength"> = {}): RemoteFile {
  const whole = new URL(url);
  whole.hash = "";
  const address = `${url.origin}${url.pathname}`;
  return {
    address,
    identity: whole.href,
    // A query may hold a token, and user names passwords.
    source: whole.href === address ? address : undefined,
    name: fileName(url),
    url: whole,
    ...known,
  };
}

/** Same directory and query: a query often carries the access token. */
export function siblingUrl(url: URL, name: string): URL {
  checkFileName(name);
  const other = new URL(name.split("/").map(encodeURIComponent).join("/"), url);
  other.search = url.search;
  return other;
}

/** The last part of the path. */
export function fileName(url: URL): string {
  const last = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // a stray percent sign: the name as it stands
  }
}

/** All names of a split GGUF file, this one first; none for a file in one piece. */
export function shardNames(name: string): string[] {
  const match = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/.exec(name);
  if (!match || Number(match[3]) > 999) return [];
  const all = Array.from(
    { length: Number(match[3]) },
    (_, i) => `${match[1]}-${String(i + 1).padStart(5, "0")}-of-${match[3]}.gguf`,
  );
  return [name, ...all.filter((other) => other !== name)];
}
