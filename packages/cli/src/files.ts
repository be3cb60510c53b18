/** Text files that a command line names, with errors that say what and what next. */
import { readFile } from "node:fs/promises";
import { MilletError } from "@millet/core";

/** @throws MilletError SOURCE_NOT_FOUND, SOURCE_READ_FAILED */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw fileError(path, cause, "read");
  }
}

/** The MilletError for a failed use of `path`. */
export function fileError(path: string, cause: unknown, verb: "read" | "written"): MilletError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT" && verb === "read")
    return new MilletError("SOURCE_NOT_FOUND", `${path} does not exist. Check the path.`, { cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MilletError("SOURCE_READ_FAILED", `${path} cannot be ${verb}: ${reason}`, { cause });
}
