/** The commands of the store, run as a user runs them, against a server of this test. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StaticServer, serve } from "../../../test/support/static-server.js";
import { downloadDetail } from "../src/store.js";
import { progressLine } from "../src/terminal/progress.js";
import { runMillet } from "./support/run-millet.js";

const FIXTURE = fileURLToPath(new URL("../../../fixtures/llama/q4-0.gguf", import.meta.url));
const cache = mkdtempSync(join(tmpdir(), "millet-cli-cache-"));
let server: StaticServer;
let address: string;

beforeAll(async () => {
  server = await serve({ "/q4-0.gguf": { file: FIXTURE } }, { isolated: false });
  address = `${server.origin}/q4-0.gguf`;
});
afterAll(async () => {
  await server.close();
  rmSync(cache, { recursive: true });
});

const run = (...args: string[]) => runMillet(args, { env: { MILLET_CACHE: cache } });
const requests = () => server.ranges.get("/q4-0.gguf") ?? 0;

test("pull, list, inspect, verify, repair and remove", async () => {
  const nothing = await run("generate", address, "--offline", "-p", "x");
  expect(nothing.code).toBe(1);
  expect(nothing.stderr).toMatch(/^millet: SOURCE_NOT_STORED: .*millet pull http/);
  expect(requests()).toBe(0);

  const pulled = await run("pull", address);
  expect([pulled.code, pulled.stderr]).toEqual([0, ""]);
  expect(pulled.stdout).toContain("complete. Load it by: millet chat http");

  const listed = JSON.parse((await run("list", "--json")).stdout);
  expect(listed.place).toMatchObject({ kind: "folder", location: expect.stringContaining(cache) });
  expect(listed.files).toMatchObject([
    { address, name: "q4-0.gguf", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ]);

  const before = requests();
  const inspected = await run("inspect", address, "--json");
  expect([JSON.parse(inspected.stdout).architecture, requests()]).toEqual(["llama", before]);

  const folder = join(cache, "store-1", "data");
  const data = join(folder, readdirSync(folder).find((name) => !name.includes("."))!);
  const bytes = readFileSync(data);
  bytes[1000]! ^= 1;
  writeFileSync(data, bytes);
  const damaged = await run("verify");
  expect([damaged.code, damaged.stdout]).toEqual([1, `${address}: 1 damaged piece\n`]);
  expect(damaged.stderr).toContain("verify --repair");
  const repaired = await run("pull", "--repair", address);
  expect(repaired.code).toBe(0);
  expect(readFileSync(data).equals(readFileSync(FIXTURE))).toBe(true);
  const sound = await run("verify", "q4-0.gguf");
  expect([sound.code, sound.stdout]).toEqual([0, `${address}: as it was downloaded\n`]);

  expect((await run("remove", address)).stdout).toMatch(/^removed http/);
  const gone = await run("remove", address);
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("SOURCE_NOT_FOUND")]);
  expect(JSON.parse((await run("list", "--json")).stdout).files).toEqual([]);
});

test("what is no address on a server cannot be pulled", async () => {
  const { code, stderr } = await run("pull", FIXTURE);
  expect(code).toBe(2);
  expect(stderr).toContain("on this device already");
});

test("the bar of a download has its speed and the time left, where there is room", () => {
  const detail = downloadDetail({ bytesPerSecond: 12.3e6, remainingMs: 65_000, isWaiting: false });
  expect(detail).toBe("12 MB/s, 1 min 5 s left");
  const line = (columns: number) => progressLine("Downloading m", 5e8, 1e9, columns, detail);
  expect(line(100)).toBe(`Downloading m  [############------------]  50%  500 MB of 1.0 GB, ${detail}`);
  expect(line(72)).toBe("Downloading m  [############------------]  50%  500 MB of 1.0 GB");
  expect(downloadDetail({ isWaiting: true })).toBe("another process downloads it");
});
