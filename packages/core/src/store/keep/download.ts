/** Downloads a file into the store's data until it is there as a whole and has the hash that it should have. */
import { isMilletError, MilletError } from "../../errors.js";
import type { ChunkLayout, StoredData } from "../place/place.js";
import type { SourceOptions } from "../source.js";
import { ChunkBoard } from "./chunk-board.js";
import { type ChunkFetch, fetchByRanges, fetchWhole } from "./fetch-chunks.js";
import type { Remote } from "./probe.js";
import type { FileProgress } from "./progress.js";

export interface Download {
  readonly name: string;
  readonly remote: Remote;
  readonly data: StoredData;
  readonly layout: ChunkLayout;
  readonly options: SourceOptions;
  readonly connections: number;
  readonly progress: FileProgress;
}

/** How often damaged chunks are fetched again before the place is given up. */
const ROUNDS = 3;

/**
 * Resumes where an earlier run stopped.
 * @returns SHA-256 of the file
 * @throws MilletError SOURCE_*, STORE_*, ABORTED; SOURCE_CORRUPT if the content is not what was announced
 */
export async function download(job: Download, signal: AbortSignal): Promise<string> {
  const { data, layout, progress } = job;
  const board = await ChunkBoard.open(data, layout, progress, signal);
  try {
    return await complete(job, board, signal);
  } finally {
    await board.stop();
  }
}

async function complete(job: Download, board: ChunkBoard, signal: AbortSignal): Promise<string> {
  const { progress, remote, options, connections } = job;
  const fetch = { remote, board, options, connections, onBytes: progress.add };
  if (!remote.isPinned) await board.clear(); // what an earlier run left may be of another file
  for (let round = 0; round < ROUNDS; round++) {
    board.readAhead();
    await fetchMissing(fetch, signal);
    const sha256 = await board.finish();
    if (sha256 !== undefined && (remote.sha256 ?? sha256) === sha256) return sha256;
    if (sha256 === undefined) continue;
    await board.clear();
    throw corruptError(job, sha256);
  }
  throw new MilletError(
    "STORE_FAILED",
    `${job.name}: what was written is not what is read back, ${ROUNDS} times. Check the disk.`,
  );
}

async function fetchMissing(fetch: ChunkFetch, signal: AbortSignal): Promise<void> {
  if (fetch.board.missing().length === 0) return;
  if (!fetch.remote.hasRanges || !fetch.remote.isPinned) return fetchWhole(fetch, signal);
  try {
    await fetchByRanges(fetch, signal);
  } catch (error) {
    const stopped = isMilletError(error) && error.code === "SOURCE_RANGE_UNSUPPORTED";
    if (!stopped) throw error;
    await fetchWhole(fetch, signal);
  }
}

function corruptError({ name, remote }: Download, sha256: string): MilletError {
  return new MilletError(
    "SOURCE_CORRUPT",
    `${name}: ${remote.route.url} gave a file with SHA-256 ${sha256} instead of ${remote.sha256}. Nothing of it was ` +
      "kept. Try again; if it stays so, the server or a proxy changes the file.",
    { details: { name, expected: remote.sha256, found: sha256 } },
  );
}
