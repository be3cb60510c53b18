/** A loopback file server that counts what it is asked for and misbehaves on command. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly headers: IncomingMessage["headers"];
}

/** Takes over a request; returns false to let the server answer it properly. */
export type Misbehaviour = (request: ServedRequest, response: ServerResponse, count: number) => boolean;

export interface TestServer extends AsyncDisposable {
  readonly origin: string;
  readonly files: Map<string, Uint8Array>;
  readonly requests: ServedRequest[];
  /** Body bytes sent by proper answers. */
  sentBytes: number;
  etag: string | undefined;
  misbehave: Misbehaviour | undefined;
}

export async function startServer(files: Record<string, Uint8Array>): Promise<TestServer> {
  const http = createServer((request, response) => {
    const path = request.url ?? "/";
    const { method = "GET", headers } = request;
    const served = { method, path, range: headers.range, headers };
    server.requests.push(served);
    if (!server.misbehave?.(served, response, server.requests.length)) answer(server, served, response);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: TestServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    files: new Map(Object.entries(files)),
    requests: [],
    sentBytes: 0,
    etag: '"v1"',
    misbehave: undefined,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

function answer(server: TestServer, request: ServedRequest, response: ServerResponse): void {
  const file = server.files.get(decodeURIComponent(request.path.split("?")[0]!.slice(1)));
  if (!file) {
    response.writeHead(404).end("no such file");
    return;
  }
  if (server.etag) response.setHeader("etag", server.etag);
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.range ?? "");
  if (!match) {
    response.writeHead(200, { "content-length": file.byteLength });
    response.end(request.method === "HEAD" ? undefined : file);
    return;
  }
  const start = Number(match[1]);
  const end = Math.min(Number(match[2]) + 1, file.byteLength);
  if (start >= file.byteLength) {
    response.writeHead(416, { "content-range": `bytes */${file.byteLength}` }).end();
    return;
  }
  server.sentBytes += end - start;
  response.writeHead(206, {
    "content-range": `bytes ${start}-${end - 1}/${file.byteLength}`,
    "content-length": end - start,
  });
  response.end(file.subarray(start, end));
}
