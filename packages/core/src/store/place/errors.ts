/** What the failures of disks and browsers' storage become. */
import { MilletError } from "../../errors.js";

/** No space left, quota of the user, largest file that the process may write; the last two are browsers'. */
const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG", "QuotaExceededError", "NS_ERROR_DOM_QUOTA_REACHED"]);

/** The MilletError for a failed use of the store: STORE_FULL or STORE_FAILED. @param doing "writing model.gguf" */
export function placeError(location: string, doing: string, cause: unknown): MilletError {
  if (cause instanceof MilletError) return cause;
  const code = codeOf(cause);
  if (FULL.has(code) || isFullDisk(cause)) {
    return new MilletError(
      "STORE_FULL",
      `There is no space left for ${doing} in ${location} (${code || "the disk is full"}). Free some space, or remove models from the ` +
        'store ("millet remove", store.evict()); what was downloaded is kept, and the next try goes on from there.',
      { cause, details: { location } },
    );
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MilletError(
    "STORE_FAILED",
    `The store in ${location} failed while ${doing}: ${why}. Check the place and its permissions, or choose another ` +
      "(MILLET_CACHE, or the option folder of createStore).",
    { cause, details: { location } },
  );
}

/** Files of apps may fail with no code: Android's say it in words, as Java's IOException has them from the C library. */
function isFullDisk(cause: unknown): boolean {
  return cause instanceof Error && /\bENOSPC\b|No space left on device/i.test(cause.message);
}

/** Node's errors have a telling code, browsers' a telling name and a number as code. */
function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "";
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.name;
}
