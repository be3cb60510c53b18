/** Options that loadModel and canRun share, checked. */
import type { BackendFactory } from "../backend/backend.js";
import { MilletError } from "../errors.js";
import { QUANTIZE_CHOICES, type QuantizeChoice } from "../formats/index.js";

/** The backends: one, or a list in order of preference. @throws MilletError INVALID_ARGUMENT if it is neither */
export function backendsOf(backend: BackendFactory | readonly BackendFactory[]): readonly BackendFactory[] {
  const factories = isList(backend) ? backend : [backend];
  if (factories.length > 0 && factories.every((factory) => typeof factory?.create === "function")) {
    return factories;
  }
  throw new MilletError(
    "INVALID_ARGUMENT",
    "Option backend must be a backend such as cpu(), or a list of them in order of preference.",
  );
}

function isList(backend: BackendFactory | readonly BackendFactory[]): backend is readonly BackendFactory[] {
  return Array.isArray(backend);
}

/** @throws MilletError INVALID_ARGUMENT if there is no such choice */
export function quantizeOf(quantize: QuantizeChoice | undefined): QuantizeChoice | undefined {
  if (quantize === undefined || QUANTIZE_CHOICES.includes(quantize)) return quantize;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `Option quantize is one of ${QUANTIZE_CHOICES.join(", ")}, not ${JSON.stringify(quantize)}.`,
  );
}
