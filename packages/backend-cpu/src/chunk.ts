/** Parts of this package that bundlers put into files of their own, and pages fetch when they need them. */
import { MilletError } from "@millet/core/errors";

/** What a dynamic import gives. @throws MilletError BACKEND_UNAVAILABLE if its file cannot be had */
export async function fetched<T>(chunk: Promise<T>): Promise<T> {
  try {
    return await chunk;
  } catch (cause) {
    throw new MilletError(
      "BACKEND_UNAVAILABLE",
      `A script of the CPU backend could not be loaded (${String(cause)}). Serve every file of the app's build, and ` +
        "reload the page if the app was deployed anew.",
      { cause },
    );
  }
}
