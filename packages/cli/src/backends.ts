/** The backends that `millet` can use, one explicit list, and the options that choose among them. */
import { cpu } from "@millet/backend-cpu";
import { type BackendFactory, reference } from "@millet/core";
import { choice, integer, type OptionValues } from "./options.js";

export const BACKEND_NAMES = ["cpu", "reference"] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

export const BACKEND_OPTIONS = {
  backend: choice(BACKEND_NAMES, "What computes. Default: cpu. reference is exact and very slow."),
  engine: choice(
    ["auto", "wasm", "native"],
    "The cpu backend's engine. Default: auto, the fastest there is.",
  ),
  threads: integer("Threads of the cpu backend. Default: as many as the machine has use for.", {
    min: 1,
    max: 1024,
  }),
};

/** The factory that `values` choose. */
export function chooseBackend(values: OptionValues<typeof BACKEND_OPTIONS>): BackendFactory {
  const { backend = "cpu", engine, threads } = values;
  switch (backend) {
    case "cpu":
      return cpu({
        ...(engine === undefined ? {} : { engine }),
        ...(threads === undefined ? {} : { threads }),
      });
    case "reference":
      return reference();
    default:
      return backend satisfies never;
  }
}
