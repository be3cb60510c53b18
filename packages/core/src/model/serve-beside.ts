/**
 * Loads weights and builds what else a model needs (its tokenizer) at the same time: threads, disks and networks are busy
 * with the weights while JavaScript has nothing to do.
 */
import type { BackendFactory } from "../backend/backend.js";
import { type Served, type ServeRequest, serve } from "../backend/serve.js";

/**
 * `build` runs once the weights are on their way. If it fails, loading ends at once, and what was loaded goes with it.
 * @throws what `serve` or `build` fails with
 */
export async function serveBeside<T>(
  factories: readonly BackendFactory[],
  request: ServeRequest,
  build: () => Promise<T>,
): Promise<[Served, T]> {
  const { signal, onProgress } = request;
  const stop = new AbortController();
  const forward = () => stop.abort(signal?.reason);
  if (signal?.aborted) forward();
  signal?.addEventListener("abort", forward);
  let begin: (() => void) | undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const serving = serve(factories, {
    ...request,
    signal: stop.signal,
    onProgress: (progress) => {
      begin?.();
      onProgress?.(progress);
    },
  });
  const building = Promise.race([begun, serving]).then(build);
  building.catch(() => stop.abort()); // an end to loading that has ended changes nothing
  const [served, built] = await Promise.allSettled([serving, building]);
  signal?.removeEventListener("abort", forward);
  if (built.status === "rejected") {
    if (served.status === "fulfilled") {
      await served.value.model.dispose();
      await served.value.backend.dispose();
    }
    throw built.reason; // of `serve`, if it failed before there was anything to build beside
  }
  if (served.status === "rejected") throw served.reason;
  return [served.value, built.value];
}
