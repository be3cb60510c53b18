// The time from the start of a process to its first token, the file in the system's cache, with and without packed weights.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** @returns milliseconds: { startMs } and, of contestants that keep packed weights, { startPackedMs } */
export async function coldStart({ start, packs }, path, threads) {
  if (start === undefined) return {};
  const startMs = (await run(start, path, threads)).firstTokenMs;
  if (!packs) return { startMs };
  const folder = await mkdtemp(join(tmpdir(), "millet-bench-"));
  try {
    const expectState = async (state) => {
      const answer = await run([...start, "--packed", folder], path, threads);
      if (answer.packedFile !== state)
        throw new Error(`the packed file was "${answer.packedFile}", not "${state}"`);
      return answer.firstTokenMs;
    };
    await expectState("written");
    return { startMs, startPackedMs: await expectState("used") };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function run([script, ...options], path, threads) {
  const args = [script, path, ...options, "--threads", threads, "--started", String(Date.now())];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}
