/** Runs bundlers' commands, with their whole output, as a user does. Ends what it started. */
import { type ChildProcess, spawn } from "node:child_process";

// Without CI, which makes Next warn that it has no build cache.
const { CI: _ci, ...OUTSIDE } = process.env;
const ENVIRONMENT = { ...OUTSIDE, NO_COLOR: "1", NEXT_TELEMETRY_DISABLED: "1" };

export interface Server {
  readonly origin: string;
  /** What it has printed. */
  readonly output: () => string;
  close(): Promise<void>;
}

/** @param args a script for Node and its arguments @returns what it printed @throws Error with that if it fails */
export async function run(folder: string, args: readonly string[]): Promise<string> {
  const { child, output } = start(folder, args);
  const code = await ended(child);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${output()}`);
  return output();
}

/** Starts a server and waits until it prints its address. @throws Error with its output if it ends before */
export async function startServer(folder: string, args: readonly string[]): Promise<Server> {
  const { child, output } = start(folder, args);
  const origin = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = /https?:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(output())?.[0];
      if (found !== undefined) resolve(found.replace("localhost", "127.0.0.1"));
    };
    child.stdout?.on("data", look);
    child.once("close", (code) => reject(new Error(`${args.join(" ")} ended with ${code}:\n${output()}`)));
  });
  return {
    origin,
    output,
    close: async () => {
      child.kill();
      await ended(child);
    },
  };
}

function start(folder: string, args: readonly string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  const add = (chunk: Buffer) => {
    text += chunk.toString();
  };
  child.stdout.on("data", add);
  child.stderr.on("data", add);
  return { child, output: () => text };
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise((resolve) => child.once("close", resolve));
  }
  return child.exitCode;
}
