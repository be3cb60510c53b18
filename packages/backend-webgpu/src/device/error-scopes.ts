/** Turns what WebGPU reports beside the call, in error scopes and events, into MilletErrors. */
import { isMilletError, MilletError } from "@millet/core/errors";
import type { Device } from "./device.js";
import { messageOf } from "./unavailable.js";

const FILTERS = ["validation", "out-of-memory", "internal"] as const;

/**
 * Runs `body` and throws what the device reports of the commands that it gave before it first waited: scopes nest per
 * device, so that they must not stay open across a wait.
 * @param what for messages, the beginning of a sentence: "Creating a buffer of 4 MB"
 * @throws MilletError OUT_OF_MEMORY, BACKEND_LOST, BACKEND_FAILED; what `body` throws, if it is a MilletError
 */
export async function withErrorScopes<T>(
  device: Device,
  what: string,
  body: () => T | Promise<T>,
): Promise<T> {
  const { gpu } = device;
  for (const filter of FILTERS) gpu.pushErrorScope(filter);
  const running = attempt(body);
  const popping = Promise.all(FILTERS.map(() => gpu.popErrorScope()));
  const [outcome, scopes] = await Promise.allSettled([running, popping]);
  const error = scopes.status === "fulfilled" ? scopes.value.find((found) => found !== null) : scopes.reason;
  if (error) throw await failureOf(device, what, error);
  if (outcome.status === "rejected") throw await failureOf(device, what, outcome.reason);
  return outcome.value;
}

async function attempt<T>(body: () => T | Promise<T>): Promise<T> {
  return body();
}

/** How long the news of a lost device may come after the failure that it caused. */
const NEWS_MS = 100;

/** The MilletError of a failed operation: BACKEND_LOST where the device has gone. */
export async function failureOf(device: Device, what: string, cause: unknown): Promise<MilletError> {
  // What an error scope reports is news of a living device.
  const isKnown = isMilletError(cause) || isGpuError(cause);
  const lost = await lostWithin(device, isKnown ? 0 : NEWS_MS);
  return lost ?? (isMilletError(cause) ? cause : errorOf(cause, what));
}

/** The MilletError of what WebGPU threw or reported. @param what the beginning of a sentence */
export function errorOf(cause: unknown, what: string): MilletError {
  const isMemory =
    nameOf(cause) === "GPUOutOfMemoryError" || (cause instanceof RangeError && /alloc/i.test(cause.message)); // of mapped memory
  return isMemory ? outOfMemory(what, cause) : failed(what, cause);
}

function isGpuError(cause: unknown): boolean {
  return /^GPU\w+Error$/.test(nameOf(cause)) && !(cause instanceof Error);
}

/** Of its class: Node has no global classes of WebGPU to ask for. */
function nameOf(cause: unknown): string {
  return typeof cause === "object" && cause !== null ? cause.constructor.name : "";
}

async function lostWithin(device: Device, milliseconds: number): Promise<MilletError | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waited = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([device.lost, waited]);
  } finally {
    clearTimeout(timer);
  }
}

function outOfMemory(what: string, cause: unknown): MilletError {
  return new MilletError(
    "OUT_OF_MEMORY",
    `${what} needs more memory than the GPU has free (${messageOf(messageText(cause))}). Close other programs that use the ` +
      "GPU, or take a smaller model, quantization or contextLength.",
    { cause },
  );
}

function failed(what: string, cause: unknown): MilletError {
  const text = messageOf(messageText(cause));
  return new MilletError(
    "BACKEND_FAILED",
    `${what} failed on the GPU: ${text}. This is a defect of Millet or of the driver: please report it, and use ` +
      "another backend meanwhile.",
    { cause },
  );
}

/** GPUErrors are no Errors but have a message. */
function messageText(cause: unknown): string {
  if (typeof cause === "object" && cause !== null && "message" in cause) return String(cause.message);
  return String(cause);
}
