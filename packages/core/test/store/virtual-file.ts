/** A `fetch` for one made-up file of any size, whose bodies give 64 KiB whenever they are asked, and never earlier. */

const PIECE_BYTES = 64 << 10;
const ETAG = '"v1"';

/** The file's bytes [start, end). */
export function bytesAt(start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - start);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(start + i, 2654435761) >>> 24;
  return bytes;
}

export interface VirtualFile {
  readonly fetch: typeof fetch;
  /** Ranges that were asked for, with the first request that opens the file. */
  readonly ranges: (readonly [start: number, end: number])[];
  /** Bytes that the bodies gave. */
  servedBytes: number;
  /** Bodies that were given up before their end. */
  cancelled: number;
  /** Answers of this status take the place of proper ones. */
  status: number | undefined;
}

export function virtualFile(byteLength: number): VirtualFile {
  const file: VirtualFile = {
    ranges: [],
    servedBytes: 0,
    cancelled: 0,
    status: undefined,
    async fetch(_input, init) {
      if (file.status !== undefined) return new Response(null, { status: file.status });
      const range = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get("range") ?? "");
      const start = Number(range![1]);
      const end = Math.min(Number(range![2]) + 1, byteLength);
      file.ranges.push([start, end]);
      const headers = { "content-range": `bytes ${start}-${end - 1}/${byteLength}`, etag: ETAG };
      return new Response(body(file, start, end), { status: 206, headers });
    },
  };
  return file;
}

function body(file: VirtualFile, start: number, end: number): ReadableStream<Uint8Array> {
  let at = start;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = bytesAt(at, Math.min(at + PIECE_BYTES, end));
        at += piece.byteLength;
        file.servedBytes += piece.byteLength;
        controller.enqueue(piece);
        if (at === end) controller.close();
      },
      cancel: () => {
        file.cancelled++;
      },
    },
    { highWaterMark: 0 },
  );
}
