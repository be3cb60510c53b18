/** References to models on a Hugging Face hub: "hf:owner/repo", with @revision, :quantization or /path/of/file behind it. */
import { MilletError } from "../../errors.js";

export interface HubReference {
  /** "owner/repo" */
  readonly repo: string;
  /** A branch, a tag or a commit. Default: "main". */
  readonly revision: string;
  /** Undefined where the repository shall be looked through for a model. */
  readonly path?: string | undefined;
  /** Which of several GGUF files, such as "Q4_0". */
  readonly quantization?: string | undefined;
}

export const DEFAULT_REVISION = "main";
const NAME = "[A-Za-z0-9][A-Za-z0-9._-]*";
const REFERENCE = new RegExp(`^hf:(?://)?(${NAME}/${NAME})(?:@([^/:]+))?(?::([A-Za-z0-9_]+)|/(.+))?$`);
const PAGE = new RegExp(`^/(${NAME}/${NAME})(?:/(?:resolve|blob|raw|tree)/([^/]+)(?:/(.+))?)?/?$`);

/** @throws MilletError INVALID_ARGUMENT if `text` begins with "hf:" and is no reference */
export function parseHubReference(text: string): HubReference | undefined {
  if (!text.startsWith("hf:")) return undefined;
  const match = REFERENCE.exec(text);
  if (!match || match[4]?.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      `"${text}" is no reference to a model. Write hf:owner/repo, hf:owner/repo:Q4_0 or hf:owner/repo/file.gguf; ` +
        "a revision goes behind the repository: hf:owner/repo@main.",
    );
  }
  const [, repo, revision, quantization, path] = match;
  return { repo: repo!, revision: decode(revision ?? DEFAULT_REVISION), quantization, path };
}

/** What the address of a hub's page or file refers to; undefined for other addresses. */
export function parseHubPage({ origin, pathname }: URL, endpoint: URL): HubReference | undefined {
  if (origin !== endpoint.origin || !pathname.startsWith(endpoint.pathname)) return undefined;
  const match = PAGE.exec(`/${pathname.slice(endpoint.pathname.length)}`.replace(/^\/+/, "/"));
  if (!match || /^(api|datasets|spaces|docs|models)\//.test(match[1]!)) return undefined;
  const [, repo, revision, path] = match;
  return {
    repo: repo!,
    revision: decode(revision ?? DEFAULT_REVISION),
    path: path === undefined ? undefined : decode(path),
  };
}

/** The reference of a file of a repository. */
export function hubAddress({ repo, revision }: HubReference, path: string): string {
  const at = revision === DEFAULT_REVISION ? "" : `@${encodeURIComponent(revision)}`;
  return `hf:${repo}${at}/${path}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray percent sign: as it stands
  }
}
