/** A loopback server for pages and large files: byte ranges, and the headers of cross-origin isolation if wanted. */
import { createReadStream, statSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What is served at a path: a text with its media type, or a file. */
export type Content =
  | { readonly type: string; readonly text: string }
  | { readonly file: string; readonly type?: string };

export interface StaticServer {
  readonly origin: string;
  /** Ranges that were asked for, by path. */
  readonly ranges: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Headers that isolate a page from other origins, so that it gets shared memory. */
export const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** Serves `contents` by their paths at a free port of 127.0.0.1, all with `headers`. */
export async function serve(
  contents: Readonly<Record<string, Content>>,
  options: { readonly isolated: boolean; readonly headers?: Readonly<Record<string, string>> },
): Promise<StaticServer> {
  const ranges = new Map<string, number>();
  const common = Object.entries({ ...(options.isolated && ISOLATION), ...options.headers });
  const http = createServer(({ url = "/", headers }, response) => {
    for (const [name, value] of common) response.setHeader(name, value);
    const content = contents[url];
    if (content === undefined) return void response.writeHead(404).end("There is no such file.");
    if ("text" in content)
      return void response.writeHead(200, { "content-type": content.type }).end(content.text);
    if (headers.range !== undefined) ranges.set(url, (ranges.get(url) ?? 0) + 1);
    response.setHeader("content-type", content.type ?? "application/octet-stream");
    sendFile(response, content.file, headers.range);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    ranges,
    close: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** RFC 9110, section 14: one range, or the whole file. */
function sendFile(response: ServerResponse, path: string, range: string | undefined): void {
  const { size, mtimeMs } = statSync(path);
  response.setHeader("accept-ranges", "bytes");
  response.setHeader("etag", `"${size}-${mtimeMs}"`);
  const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
  const start = Number(match?.[1] ?? 0);
  const end = match?.[2] ? Math.min(Number(match[2]), size - 1) : size - 1;
  if (size === 0 && !match) return void response.writeHead(200, { "content-length": 0 }).end();
  if (start > end) return void response.writeHead(416, { "content-range": `bytes */${size}` }).end();
  if (match) response.setHeader("content-range", `bytes ${start}-${end}/${size}`);
  response.writeHead(match ? 206 : 200, { "content-length": end - start + 1 });
  const file = createReadStream(path, { start, end });
  response.on("close", () => file.destroy()); // the page gave the download up
  file.pipe(response);
}
