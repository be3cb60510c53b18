/**
 * Turns what ends a program from outside into an AbortSignal: Ctrl-C, SIGTERM and a closed standard output.
 * The second signal ends the process at once.
 */
import { EXIT_CODES } from "./exit-codes.js";

export interface Interrupts {
  readonly signal: AbortSignal;
  /** The exit code of what arrived, if something did. */
  readonly exitCode: () => number | undefined;
  readonly dispose: () => void;
}

export function watchInterrupts(): Interrupts {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const stop = (code: number, reason: string) => {
    if (exitCode !== undefined) process.exit(exitCode);
    exitCode = code;
    process.exitCode = code; // it may arrive when the command has ended, with its last output
    controller.abort(new Error(reason));
  };
  const onInterrupt = () => stop(EXIT_CODES.interrupted.code, "Ctrl-C");
  const onTerminate = () => stop(EXIT_CODES.terminated.code, "SIGTERM");
  const onOutputError = (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (exitCode === undefined) stop(EXIT_CODES.closedOutput.code, "standard output is closed");
  };
  const ignore = (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error; // nobody reads the log: that stops nothing
  };
  process.on("SIGINT", onInterrupt).on("SIGTERM", onTerminate);
  process.stdout.on("error", onOutputError);
  process.stderr.on("error", ignore);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    dispose: () => void process.off("SIGINT", onInterrupt).off("SIGTERM", onTerminate),
  };
}
