/** Sizes of WebAssembly memory, and the errors when it cannot be had. */
import { MilletError } from "@millet/core/errors";

export const PAGE_BYTES = 65536;

/** What 32-bit addresses reach. */
export const ADDRESSABLE_BYTES = 65536 * PAGE_BYTES;

export function pagesOf(byteLength: number): number {
  return Math.min(65536, Math.ceil(byteLength / PAGE_BYTES));
}

/** The error for memory that could not grow to `needed` bytes. */
export function outOfMemory(needed: number, existing: number, maximum: number, cause?: unknown): MilletError {
  const limit = needed > maximum ? `; the plan allows ${maximum}` : "; the system gave no more";
  return new MilletError(
    "OUT_OF_MEMORY",
    `The CPU backend needs ${needed} bytes of memory and has ${existing}${limit}. ` +
      "Use a shorter context, a smaller model or a smaller quantization.",
    { cause, details: { neededBytes: needed, availableBytes: existing, maximumBytes: maximum } },
  );
}

/** What a memory with less room to grow than planned means for the user. */
export function narrowed(wanted: number, got: number): string[] {
  if (got >= wanted) return [];
  const [mb, wantedMb] = [got, wanted].map((bytes) => Math.floor(bytes / 1e6));
  return [
    `The CPU backend could reserve ${mb} MB of memory; the model with a full context takes ${wantedMb} MB, so a long ` +
      "context may end with OUT_OF_MEMORY. Load the model with a shorter context.",
  ];
}
