/** The options that choose tokens and end a text, shared by chat and generate, as core's GenerateOptions. */
import type { GenerateOptions } from "@millet/core";
import { choice, integer, number, type Option, type OptionValues, texts, usage } from "./options.js";

export const SAMPLING_OPTIONS = {
  temperature: number("Randomness: 0 always takes the most likely token.", { min: 0 }),
  "top-k": integer("Draw among the N most likely tokens; 0: all."),
  "top-p": number("Draw among the most likely tokens that reach this probability together; 1: all.", {
    min: 0,
    max: 1,
  }),
  "min-p": number("Drop tokens less likely than this fraction of the most likely one.", { min: 0, max: 1 }),
  "repetition-penalty": number("Divides the logits of recent tokens; 1: off.", { min: 0 }),
  "frequency-penalty": number("Subtracted from a recent token's logit for each time it occurred."),
  "presence-penalty": number("Subtracted from the logit of every recent token."),
  "penalty-tokens": integer("How many of the last tokens count as recent."),
  "logit-bias": biases("Add B to the logit of token ID; may be given several times."),
  seed: integer("The same seed, prompt and settings give the same text. Default: random."),
  "max-tokens": integer("Stop after N tokens."),
  stop: texts("TEXT", "Stop before this text; may be given several times."),
  "stop-token": tokens("Stop at this token; may be given several times."),
  "context-full": choice(
    ["error", "slide"],
    "When prompt and text outgrow the context: stop there (error), or forget the oldest text (slide).",
  ),
  "keep-tokens": integer("With slide: tokens at the start that are never forgotten."),
};

/** Only what was given: the rest is left to the model's and core's defaults. */
export function samplingOf(values: OptionValues<typeof SAMPLING_OPTIONS>): Omit<GenerateOptions, "signal"> {
  const { stop, "stop-token": stopTokens, "logit-bias": logitBias } = values;
  return {
    temperature: values.temperature,
    topK: values["top-k"],
    topP: values["top-p"],
    minP: values["min-p"],
    repetitionPenalty: values["repetition-penalty"],
    frequencyPenalty: values["frequency-penalty"],
    presencePenalty: values["presence-penalty"],
    penaltyTokens: values["penalty-tokens"],
    logitBias: logitBias.size > 0 ? logitBias : undefined,
    seed: values.seed,
    maxTokens: values["max-tokens"],
    stop: stop.length > 0 ? stop : undefined,
    stopTokens: stopTokens.length > 0 ? stopTokens : undefined,
    onContextFull: values["context-full"],
    keepTokens: values["keep-tokens"],
  };
}

function tokens(help: string): Option<readonly number[]> {
  return {
    help,
    placeholder: "ID",
    parse: (given, name) => given.map((value) => tokenId(value, name)),
  };
}

function biases(help: string): Option<ReadonlyMap<number, number>> {
  return {
    help,
    placeholder: "ID=B",
    parse(given, name) {
      return new Map(
        given.map((item) => {
          const [id = "", bias = ""] = item.split("=");
          const value = bias === "-inf" ? -Infinity : Number(bias);
          if (bias.trim() === "" || Number.isNaN(value))
            throw usage(`--${name} takes ID=B like 42=-1.5 or 42=-inf, not "${item}".`);
          return [tokenId(id, name), value] as const;
        }),
      );
    },
  };
}

function tokenId(text: string, name: string): number {
  if (!/^\d{1,10}$/.test(text)) throw usage(`--${name} takes a token id, not "${text}".`);
  return Number(text);
}
