/** Brings the missing chunks of a file: over several connections by ranges, or in one answer where ranges are of no use. */
import { throwIfAborted } from "../../errors.js";
import { fetchRange } from "../http-range.js";
import { bodyPieces, request, withRetries } from "../http-request.js";
import {
  changedError,
  contentLength,
  contentRange,
  fileVersion,
  isTransient,
  sameVersion,
  transientError,
} from "../http-response.js";
import { chunkRange } from "../place/place.js";
import type { SourceOptions } from "../source.js";
import type { ChunkBoard } from "./chunk-board.js";
import { cutChunks } from "./chunk-stream.js";
import type { Remote } from "./probe.js";

export interface ChunkFetch {
  readonly remote: Remote;
  readonly board: ChunkBoard;
  readonly options: SourceOptions;
  readonly connections: number;
  onBytes(byteLength: number): void;
}

/** Chunks that a request asks for: a connection that breaks costs less than one of them in any case. */
const SHORTEST_RUN = 2;
const LONGEST_RUN = 16;

/** @throws MilletError what the first connection fails with; the others have ended then */
export async function fetchByRanges(fetch: ChunkFetch, signal: AbortSignal): Promise<void> {
  const missing = fetch.board.missing();
  const all = new AbortController();
  const stop = () => all.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const share = Math.ceil(missing.length / (2 * fetch.connections));
  const longest = Math.min(LONGEST_RUN, Math.max(SHORTEST_RUN, share));
  let failure: unknown;
  const connection = async () => {
    for (let run = takeRun(missing, longest); run.length > 0; run = takeRun(missing, longest))
      await fetchRun(fetch, run, all.signal);
  };
  try {
    throwIfAborted(signal, `Downloading ${fetch.remote.route.url}`);
    const connections = Array.from({ length: fetch.connections }, () =>
      connection().catch((error: unknown) => {
        if (!all.signal.aborted) failure = error;
        all.abort(error);
        throw error;
      }),
    );
    const results = await Promise.allSettled(connections);
    // The first failure stopped the others, which fail with ABORTED for it.
    if (results.some(({ status }) => status === "rejected")) {
      throwIfAborted(signal, `Downloading ${fetch.remote.route.url}`);
      throw failure;
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** The first missing chunks that follow each other. */
function takeRun(missing: number[], longest: number): number[] {
  let length = 1;
  while (length < longest && missing[length] === missing[0]! + length) length++;
  return missing.splice(0, length);
}

async function fetchRun(
  { remote, board, options, onBytes }: ChunkFetch,
  run: readonly number[],
  signal: AbortSignal,
) {
  const { start } = chunkRange(board.layout, run[0]!);
  const { end } = chunkRange(board.layout, run[run.length - 1]!);
  const file = { route: remote.route, version: remote.version, options };
  const pieces = fetchRange(file, start, end, signal);
  for await (const chunk of cutChunks(pieces, board.layout, run[0]!, onBytes)) await board.write(chunk);
}

/**
 * One answer with the whole file, from its start. If it breaks, another one passes over what is stored, or begins anew
 * where the server does not tell whether it is the same file.
 */
export async function fetchWhole(fetch: ChunkFetch, signal: AbortSignal): Promise<void> {
  const { board, options, remote } = fetch;
  for (let missing = board.missing().length; missing > 0; missing = board.missing().length) {
    const before = missing;
    await withRetries(options, signal, async () => {
      if (!remote.isPinned) await board.clear();
      try {
        await fetchOnce(fetch, signal);
      } catch (error) {
        // Chunks that came renew the retries.
        const hasCome = remote.isPinned && board.missing().length < before;
        if (!hasCome || !isTransient(error)) throw error;
      }
    });
  }
}

async function fetchOnce(
  { remote, board, options, onBytes }: ChunkFetch,
  signal: AbortSignal,
): Promise<void> {
  const { route, version } = remote;
  // A range, so that fetch asks for uncompressed bytes by itself; whether the server heeds it does not matter.
  const response = await request(route, "bytes=0-", signal);
  const range = contentRange(response);
  const total = (response.status === 200 ? contentLength(response) : range?.total) ?? version.byteLength;
  if (response.status === 416 || !sameVersion(fileVersion(response, total), version)) {
    await response.body?.cancel();
    throw changedError(String(route.url));
  }
  let [position, counted] = [0, 0];
  const count = (byteLength: number) => {
    position += byteLength;
    const isNew = !board.has(Math.floor((position - 1) / board.layout.chunkBytes));
    if (isNew && position > counted) onBytes(position - counted);
    counted = Math.max(counted, position);
  };
  const pieces = bodyPieces(route.url, response, version.byteLength, signal, options.stallMs);
  for await (const chunk of cutChunks(pieces, board.layout, 0, count)) {
    if (!board.has(chunk.index)) await board.write(chunk);
  }
  if (position < version.byteLength) throw transientError(String(route.url), "the answer was cut short");
}
