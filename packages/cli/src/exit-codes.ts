/** The exit codes of `millet`, one list; `millet --help` prints it. */
import { isMilletError } from "@millet/core";

export const EXIT_CODES = {
  ok: { code: 0, meaning: "done" },
  failure: { code: 1, meaning: "it failed; standard error says what, where and what next" },
  usage: { code: 2, meaning: "the command line is wrong" },
  unsuitable: { code: 3, meaning: "inspect --nnapi: nodes stay on the CPU that --on-cpu does not name" },
  interrupted: { code: 130, meaning: "stopped by Ctrl-C" },
  closedOutput: { code: 141, meaning: "the reader of standard output went away" },
  terminated: { code: 143, meaning: "stopped by SIGTERM" },
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES]["code"];

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (!isMilletError(error)) return EXIT_CODES.failure.code;
  if (error.code === "INVALID_ARGUMENT") return EXIT_CODES.usage.code;
  if (error.code === "ABORTED") return EXIT_CODES.interrupted.code;
  return EXIT_CODES.failure.code;
}
