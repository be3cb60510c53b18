/** Several processes and one store: one downloads, the others wait; one that is killed at any moment harms nothing. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startServer, type TestServer } from "./server.js";
import {
  expectBytes,
  failure,
  filesIn,
  KIB,
  pattern,
  readAll,
  removeFolders,
  storeIn,
  temporaryFolder,
} from "./store-support.js";

const CHUNK = 16 * KIB;
const file = pattern(64 * CHUNK + 5);
const sha256 = createHash("sha256").update(file).digest("hex");
let program: string;
let server: TestServer;
let folder: string;
let address: string;

beforeAll(async () => {
  program = join(temporaryFolder(), "pull.mjs");
  const entry = fileURLToPath(new URL("pull-child.ts", import.meta.url));
  await build({ entryPoints: [entry], bundle: true, format: "esm", platform: "node", outfile: program });
});
beforeEach(async () => {
  server = await startServer({ "model.gguf": file });
  folder = temporaryFolder();
  address = `${server.origin}/model.gguf`;
});
afterEach(() => server[Symbol.asyncDispose]());
afterAll(removeFolders);

interface Child {
  readonly process: ChildProcess;
  /** What it has written. */
  readonly output: { text: string };
  readonly ended: Promise<unknown>;
}

function pull(command = [process.execPath]): Child {
  const [executable, ...args] = [...command, program, folder, address, String(CHUNK)];
  const child = spawn(executable!, args, { stdio: ["ignore", "pipe", "inherit"] });
  const output = { text: "" };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    output.text += text;
  });
  return { process: child, output, ended: once(child, "close") };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const resultOf = ({ output }: Child) => JSON.parse(output.text.trim().split("\n").at(-1)!);

/** Answers after a pause, so that a download takes a while. */
function slow(ms: number): void {
  const wait = new Set<unknown>();
  server.misbehave = (request, response) => {
    if (wait.delete(request)) return false;
    setTimeout(() => {
      const [start, end] = /(\d+)-(\d+)/.exec(request.range!)!.slice(1).map(Number) as [number, number];
      const last = Math.min(end, file.byteLength - 1);
      server.sentBytes += last + 1 - start;
      const range = `bytes ${start}-${last}/${file.byteLength}`;
      response.writeHead(206, { "content-range": range, "content-length": last + 1 - start, etag: '"v1"' });
      response.end(file.subarray(start, last + 1));
    }, ms);
    return true;
  };
}

describe("two processes", () => {
  it("download once: the second waits, with progress, and takes what the first brought", async () => {
    slow(150);
    const first = pull();
    await once(first.process.stdout!, "data");
    const second = pull();
    await Promise.all([first.ended, second.ended]);
    expect([resultOf(first), resultOf(second)].map((result) => result.sha256)).toEqual([sha256, sha256]);
    expect([resultOf(first), resultOf(second)].filter(({ waited }) => waited)).toHaveLength(1);
    expect(server.sentBytes).toBeLessThanOrEqual(file.byteLength + 4);
    expect(filesIn(folder).locks).toEqual([]);
  });

  it("one is killed: the other goes on at once with what came", async () => {
    slow(100);
    const first = pull();
    await expect
      .poll(async () => (await storeIn(folder).list())[0]?.storedBytes ?? 0, { timeout: 60_000 })
      .toBeGreaterThan(0);
    const second = pull();
    await once(second.process.stdout!, "data");
    first.process.kill("SIGKILL");
    await Promise.all([first.ended, second.ended]);
    expect(resultOf(second)).toMatchObject({ sha256 });
    expect(server.sentBytes).toBeLessThan(1.9 * file.byteLength);
  });
});

it("killed fifty times in the middle, it loses nothing and keeps nothing wrong", async () => {
  slow(4);
  let stored = 0;
  let ended = 0;
  for (let i = 0; i < 50; i++) {
    const child = pull();
    // Now and then before the first request, mostly amid the chunks, at times after the last one.
    const requests = server.requests.length + (i % 11);
    while (child.process.exitCode === null && server.requests.length < requests) await pause(1);
    await pause((i * 7) % 10);
    child.process.kill("SIGKILL");
    await child.ended;
    const [found] = await storeIn(folder, { chunkBytes: CHUNK }).list();
    expect(found?.storedBytes ?? 0).toBeGreaterThanOrEqual(stored);
    stored = found?.storedBytes ?? 0;
    if (found?.sha256 === undefined) continue;
    // It was complete: the content is what it should be, and the next round begins anew.
    const store = storeIn(folder);
    expect(await store.verify()).toMatchObject([{ damagedChunks: 0, file: { sha256 } }]);
    await store.remove(address);
    expect(filesIn(folder).data).toEqual([]);
    stored = 0;
    ended++;
  }
  expect(ended * file.byteLength + stored).toBeGreaterThan(10 * CHUNK);
  expectBytes(await readAll(address, storeIn(folder)), file);
  const { data, refs, contents } = filesIn(folder);
  // A record that was being written leaves a file of its own, which goes when it is old.
  const records = (names: readonly string[] = []) => names.filter((name) => !name.endsWith(".tmp"));
  expect([data?.length, records(refs).length, records(contents).length]).toEqual([2, 1, 1]);
});

it.skipIf(process.platform === "win32")(
  "names a limit of the system on files, met while writing",
  async () => {
    const blocks = Math.ceil((20 * CHUNK) / 512);
    const child = pull(["sh", "-c", `ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath]);
    await child.ended;
    expect(resultOf(child)).toMatchObject({ code: "STORE_FULL" });
    expect((await storeIn(folder).list())[0]!.storedBytes).toBeGreaterThan(0);
    expectBytes(await readAll(address, storeIn(folder)), file);
  },
);

it("a lock of a process that is gone holds nobody up, one of a running process does", async () => {
  slow(1);
  await storeIn(folder).pull(address);
  const source = await import("../../src/store/index.js").then(({ openSource }) =>
    openSource(address, { store: storeIn(folder) }),
  );
  expect(await storeIn(folder).evict(1)).toEqual([]); // it is open
  expect(await storeIn(folder).remove(address)).toEqual([]);
  expectBytes(await source.read(0, source.byteLength), file);
  await source.close();
  expect(await storeIn(folder).evict(1)).toMatchObject([{ address }]);
  expect((await failure(readAll(address, storeIn(folder, { network: "none" })))).code).toBe(
    "SOURCE_NOT_STORED",
  );
});
