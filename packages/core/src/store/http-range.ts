/**
 * One range of a file over HTTP as a stream of pieces: goes on by itself where a connection broke, and makes sure
 * that every answer is the range that was asked for, of the version of the file that was opened.
 */
import { MilletError } from "../errors.js";
import { bodyPieces, RETRIES, request, withRetries } from "./http-request.js";
import {
  changedError,
  contentLength,
  contentRange,
  type FileVersion,
  fileVersion,
  isTransient,
  rangeUnsupportedError,
  sameVersion,
} from "./http-response.js";
import type { Route } from "./route.js";
import type { SourceOptions } from "./source.js";

/** Bytes by which an answer that breaks was of use. */
const LEAST_PROGRESS = 4096;

/** A file as it was opened. */
export interface OpenedFile {
  readonly route: Route;
  readonly version: FileVersion;
  readonly options: SourceOptions;
}

/**
 * The bytes [start, end) in pieces, in order. An answer that brings some (LEAST_PROGRESS) renews the retries.
 * @throws MilletError SOURCE_READ_FAILED, SOURCE_CHANGED, SOURCE_TRUNCATED, SOURCE_RANGE_UNSUPPORTED, ABORTED
 */
export async function* fetchRange(
  file: OpenedFile,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  let barren = 0;
  for (let at = start; at < end; ) {
    const before = at;
    const { first, rest } = await withRetries(file.options, signal, () => begin(file, at, end, signal));
    try {
      at += first.byteLength;
      yield first;
      for await (const piece of rest) {
        at += piece.byteLength;
        yield piece;
      }
    } catch (error) {
      // Otherwise a server that gives a few bytes a time would be asked for ever.
      barren = at - before < LEAST_PROGRESS ? barren + 1 : 0;
      if (!isTransient(error) || barren > (file.options.retries ?? RETRIES)) throw error;
    } finally {
      await rest.return();
    }
  }
}

/** Asks for [start, end) and waits for the first bytes: an answer without any is no progress. */
async function begin(file: OpenedFile, start: number, end: number, signal: AbortSignal) {
  const response = await answer(file, start, end, signal);
  const rest = bodyPieces(file.route.url, response, end - start, signal, file.options.stallMs);
  const { value: first } = await rest.next();
  if (!first) throw cutShort(file, start);
  return { first, rest };
}

async function answer(file: OpenedFile, start: number, end: number, signal: AbortSignal): Promise<Response> {
  const url = String(file.route.url);
  const response = await request(file.route, `bytes=${start}-${end - 1}`, signal);
  const range = contentRange(response);
  const total = response.status === 200 ? contentLength(response) : range?.total;
  const isSame = sameVersion(fileVersion(response, total ?? file.version.byteLength), file.version);
  if (response.status === 206 && (range?.start ?? start) === start && isSame) return response;
  await response.body?.cancel();
  if (response.status === 416 || !isSame) throw changedError(url);
  throw response.status === 200
    ? rangeUnsupportedError(url, "the server stopped answering ranges")
    : new MilletError(
        "SOURCE_READ_FAILED",
        `${url}: byte ${start} was asked for, the answer begins at ${range?.start}.`,
      );
}

function cutShort({ route: { url }, version }: OpenedFile, at: number): MilletError {
  return new MilletError(
    "SOURCE_TRUNCATED",
    `${url} sends nothing from byte ${at} on, although it has ${version.byteLength} bytes. Upload it again.`,
  );
}
