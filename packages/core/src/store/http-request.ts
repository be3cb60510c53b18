/** One HTTP request, its body, and trying again: the pieces of which http.ts is made. */
import { abortedError } from "../errors.js";
import { isTransient, statusError, transientError } from "./http-response.js";
import type { SourceOptions } from "./source.js";

/** One range request. Resolves for 200, 206 and 416; anything else is thrown. */
export async function request(
  url: URL,
  range: string,
  options: SourceOptions,
  signal?: AbortSignal,
): Promise<Response> {
  const load = options.fetch ?? fetch;
  // With a range, fetch asks for uncompressed bytes by itself.
  const headers = { ...options.headers, range };
  const response = await load(url, { headers, ...(signal && { signal }) }).catch((cause: unknown) => {
    throw signal?.aborted
      ? abortedError(signal, `Reading ${url}`)
      : transientError(String(url), "the connection failed", cause);
  });
  if (response.status === 200 || response.status === 206 || response.status === 416) return response;
  await response.body?.cancel();
  throw statusError(String(url), response.status);
}

/**
 * Copies a body into `target`, reporting progress, and drops what does not fit.
 * @throws MilletError transient SOURCE_READ_FAILED if the connection breaks, ABORTED
 */
export async function copyBody(
  url: URL,
  response: Response,
  target: Uint8Array,
  progress: (byteLength: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const reader = response.body?.getReader();
  let done = 0;
  try {
    while (reader && done < target.byteLength) {
      const { value } = await reader.read();
      if (!value) break;
      const piece = value.subarray(0, target.byteLength - done);
      target.set(piece, done);
      done += piece.byteLength;
      progress(piece.byteLength);
    }
  } catch (cause) {
    if (signal?.aborted) throw abortedError(signal, `Reading ${url}`);
    throw transientError(String(url), "the connection broke", cause);
  }
  // Cancelling may fail on a connection that is already gone; the bytes are here, so that does not matter.
  await reader?.cancel().catch(() => undefined);
}

/** Runs `run` again, after a growing pause, while it fails for transient reasons and retries are left. */
export async function withRetries<T>(
  options: SourceOptions,
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
) {
  let left = options.retries ?? 2;
  let delayMs = options.retryDelayMs ?? 250;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (left-- <= 0 || !isTransient(error)) throw error;
    }
    await delay(delayMs, signal);
    delayMs *= 2;
  }
}

function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(abortedError(signal, "Waiting to retry"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
