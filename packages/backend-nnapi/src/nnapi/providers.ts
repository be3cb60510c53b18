/** Sessions on the providers that may compute prompts. */
import { isMilletError, MilletError } from "@millet/core/errors";
import type { OrtProvider, OrtSessionOptions } from "../runtime/ort.js";
import type { CandidateName, ResolvedOptions } from "./options.js";

/** What a provider does not take goes to the CPU's own. */
export function sessionOptions(
  name: CandidateName,
  { flags, threads }: Pick<ResolvedOptions, "flags" | "threads">,
  more: Omit<OrtProvider, "name"> = {},
): OrtSessionOptions {
  const provider = name === "nnapi" ? { name, ...flags, ...more } : name;
  return {
    executionProviders: name === "cpu" ? ["cpu"] : [provider, "cpu"],
    ...(threads !== undefined && { intraOpNumThreads: threads }),
  };
}

/** A provider's failure: NNAPI_DRIVER_REJECTED, or what says more. @param what happened, a clause */
export function rejected(error: unknown, what: string): MilletError {
  if (isMilletError(error) && error.code !== "BACKEND_FAILED") return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new MilletError("NNAPI_DRIVER_REJECTED", `${what}: ${reason}`, { cause: error });
}
