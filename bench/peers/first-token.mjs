// What the scripts of a cold start share: their arguments, and the one JSON line with the time from the start of the
// process, as its parent saw it, to the first token of a short text.
import { parseArgs } from "node:util";

/** A few words, so that the start of a text is measured and not the reading of a prompt. */
export const PROMPT = "The first word of the answer";
export const CONTEXT_TOKENS = 512;

/** <model> --started MILLISECONDS [--threads N] [--engine NAME] [--packed FOLDER]; started as Date.now() told it. */
export function parseStart() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      threads: { type: "string", default: "2" },
      started: { type: "string" },
      engine: { type: "string" },
      packed: { type: "string" },
    },
  });
  return { path: positionals[0], ...values, threads: Number(values.threads) };
}

export function answerFirstToken({ started }, rest = {}) {
  console.log(JSON.stringify({ firstTokenMs: Date.now() - Number(started), ...rest }));
}
