/**
 * Runs the native engine's conformance, reduced, under the address and undefined-behaviour sanitizers and then under the
 * thread sanitizer: `node native/sanitize.ts [--level base]`. Fails on the first report. Without a C++ compiler it says so,
 * and fails only with MILLET_REQUIRE=native.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { NATIVE } from "./tools/sources.ts";

for (const sanitizer of ["address,undefined", "thread"]) {
  const began = performance.now();
  const args = [join(NATIVE, "test.ts"), "--sanitize", sanitizer, "--reduced", ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`sanitizer ${sanitizer}: ${status === 0 ? "passed" : "FAILED"} (${seconds} s)`);
  if (status !== 0) {
    process.exitCode = 1;
    break;
  }
}
