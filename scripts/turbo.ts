/**
 * Runs turbo with this repository's habits: nothing is sent anywhere, no background process stays behind.
 * Arguments are turbo's: `node scripts/turbo.ts run build`.
 */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const QUIET = { TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", TURBO_NO_UPDATE_NOTIFIER: "1" };

/** Runs turbo at the repository's root and returns its exit status. */
export function turbo(args: readonly string[]): number {
  const program = createRequire(import.meta.url).resolve("turbo/bin/turbo");
  const result = spawnSync(process.execPath, [program, ...args], {
    cwd: new URL("..", import.meta.url),
    env: { ...process.env, ...QUIET },
    stdio: "inherit",
  });
  return result.status ?? 1;
}

if (import.meta.main) process.exitCode = turbo(process.argv.slice(2));
