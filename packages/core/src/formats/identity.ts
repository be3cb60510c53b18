/** Tells whether the files of a model that is opened again are still those that it was loaded from. */
import { MilletError } from "../errors.js";
import type { ByteSource, KnownOrigin } from "../tensor/byte-source.js";
import { contentHash } from "../tensor/content-hash.js";

/** What is remembered of one file. */
export interface FileIdentity {
  readonly name: string;
  readonly byteLength: number;
  readonly headerHash: string;
  /** Has the file's version, where one is known. */
  readonly origin: KnownOrigin | undefined;
}

/** @param header its bytes, or their hash */
export function identityOf(
  { name, byteLength, origin }: ByteSource,
  header: Uint8Array | string,
): FileIdentity {
  const headerHash = typeof header === "string" ? header : contentHash(header);
  return { name, byteLength, headerHash, origin };
}

/**
 * Sizes, headers and, where both are known, versions must be the same; the weights themselves are not compared.
 * @throws MilletError SOURCE_CHANGED
 */
export function checkSameFiles(before: readonly FileIdentity[], now: readonly FileIdentity[]): void {
  const different = before.find((file, i) => !isSame(file, now[i]));
  if (different || before.length !== now.length) throw changedFileError(different ?? before[0]!);
}

/** @param cause why the file cannot even be read as it was */
export function changedFileError({ name }: FileIdentity, cause?: unknown): MilletError {
  return new MilletError(
    "SOURCE_CHANGED",
    `${name} is not the file any more that the model was loaded from. Load the model anew.`,
    { cause, details: { name } },
  );
}

function isSame(a: FileIdentity, b: FileIdentity | undefined): boolean {
  if (a.byteLength !== b?.byteLength || a.headerHash !== b.headerHash) return false;
  const [before, now] = [versionOf(a), versionOf(b)];
  return before === undefined || now === undefined || before === now;
}

function versionOf({ origin }: FileIdentity): string | undefined {
  return origin && "version" in origin ? origin.version : undefined;
}
