/** The backends that `millet` can use, one explicit list, and the options that choose among them. */
import { cpu } from "@millet/backend-cpu";
import { webgpu } from "@millet/backend-webgpu";
import { type BackendFactory, reference } from "@millet/core";
import { choice, flag, integer, type OptionValues, text } from "./options.js";

export const BACKEND_NAMES = ["cpu", "webgpu", "reference"] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

export const BACKEND_OPTIONS = {
  backend: choice(
    BACKEND_NAMES,
    "What computes. Default: cpu. webgpu needs the package webgpu and a GPU driver. reference is exact and very slow.",
  ),
  engine: choice(
    ["auto", "wasm", "native"],
    "The cpu backend's engine. Default: auto, the fastest there is.",
  ),
  threads: integer("Threads of the cpu backend. Default: as many as the machine has use for.", {
    min: 1,
    max: 1024,
  }),
  "packed-files": flag(
    "Keep the packed weights in a file beside the model, or in the user's cache folder: later loads take it.",
  ),
  "packed-folder": text("FOLDER", "The same, in this folder."),
};

/** The factory that `values` choose. */
export function chooseBackend(values: Partial<OptionValues<typeof BACKEND_OPTIONS>>): BackendFactory {
  const { backend = "cpu", engine, threads } = values;
  const packedFiles = values["packed-folder"] ?? values["packed-files"];
  switch (backend) {
    case "cpu":
      return cpu({
        ...(engine === undefined ? {} : { engine }),
        ...(threads === undefined ? {} : { threads }),
        ...(packedFiles === undefined ? {} : { packedFiles }),
      });
    case "webgpu":
      return webgpu();
    case "reference":
      return reference();
    default:
      return backend satisfies never;
  }
}
