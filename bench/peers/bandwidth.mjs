// The machine's read bandwidth, by the native engine's own benchmark: sequential AVX2 reads of 1 GiB by all threads.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const BENCH = fileURLToPath(new URL("../../packages/backend-cpu/native/bench.ts", import.meta.url));

/** Bytes per second, the best of 5 reads. Needs a C++ compiler; throws Error where it cannot be measured. */
export async function readBandwidth(threads) {
  const args = [BENCH, "--type", "none", "--mib", "1024", "--rounds", "5", "--threads", String(threads)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const match = /^read +best +([\d.]+) GB\/s/m.exec(stdout);
  if (match === null) throw new Error(`the native benchmark printed no bandwidth:\n${stdout}`);
  return Number(match[1]) * 1e9;
}
