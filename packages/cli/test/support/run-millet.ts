/** Runs the built `millet` in a process of its own, as a user does, without a terminal. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const LAUNCHER = fileURLToPath(new URL("../../bin/millet.js", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  /** Options of Node itself. */
  readonly nodeArgs?: readonly string[];
  /** Variables beside the tests' own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Called at the start, and with all of standard output each time more of it arrives. */
  readonly onOutput?: (child: ChildProcess, stdout: string) => void;
}

export function runMillet(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { stdin = "", nodeArgs = [], env, onOutput } = options;
  const child = spawn(process.execPath, [...nodeArgs, LAUNCHER, ...args], {
    stdio: "pipe",
    env: { ...process.env, ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    onOutput?.(child, stdout);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {}); // it may end before it has read everything
  child.stdin.end(stdin);
  onOutput?.(child, "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
