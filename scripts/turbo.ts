/**
 * Runs turbo with this repository's habits: nothing is sent anywhere, no background process stays behind.
 * Arguments are turbo's: `node scripts/turbo.ts run build`.
 */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const QUIET = { TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", TURBO_NO_UPDATE_NOTIFIER: "1" };

/** Runs turbo at the repository's root and returns its exit status. `quiet`: it is heard only if it fails. */
export function turbo(args: readonly string[], { quiet = false } = {}): number {
  const program = createRequire(import.meta.url).resolve("turbo/bin/turbo");
  const result = spawnSync(process.execPath, [program, ...args], {
    cwd: new URL("..", import.meta.url),
    env: { ...process.env, ...QUIET },
    stdio: quiet ? "pipe" : "inherit",
  });
  if (quiet && result.status !== 0) process.stderr.write(Buffer.concat([result.stdout, result.stderr]));
  return result.status ?? 1;
}

if (import.meta.main) process.exitCode = turbo(process.argv.slice(2));
