/** Which hub is in use: by the caller's options, else the store's, else the environment's. */
import { MilletError } from "../../errors.js";
import type { SourceOptions } from "../source.js";

const DEFAULT_ENDPOINT = "https://huggingface.co";

/** The hub in use. @throws MilletError INVALID_ARGUMENT */
export function hubEndpoint({ hub, store }: SourceOptions): URL {
  const text = hub?.endpoint ?? store?.hub.endpoint ?? environment("HF_ENDPOINT") ?? DEFAULT_ENDPOINT;
  try {
    return new URL(text);
  } catch (cause) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      `The hub's endpoint "${text}" is no address. Give one such as ${DEFAULT_ENDPOINT} (HF_ENDPOINT, hub.endpoint).`,
      { cause },
    );
  }
}

export function hubToken({ hub, store }: SourceOptions): string | undefined {
  return hub?.token ?? store?.hub.token ?? environment("HF_TOKEN");
}

function environment(name: string): string | undefined {
  return globalThis.process?.env?.[name] || undefined;
}
