/** The runtime that an app injects, if it is one: its import fails where the native part is missing. */
import { MilletError } from "@millet/core/errors";
import { guardedRuntime } from "./guard.js";
import type { OrtLike } from "./ort.js";

/** @returns the runtime, guarded; or ORT_RN_NOT_INSTALLED */
export async function installedRuntime(
  given: OrtLike | (() => Promise<OrtLike>) | undefined,
): Promise<OrtLike | MilletError> {
  try {
    const ort = typeof given === "function" ? await given() : given;
    if (typeof ort?.InferenceSession?.create === "function" && typeof ort.Tensor === "function")
      return guardedRuntime(ort);
    return notInstalled("what nnapi() was given is no ONNX Runtime", undefined);
  } catch (cause) {
    return notInstalled(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function notInstalled(why: string, cause: unknown): MilletError {
  return new MilletError(
    "ORT_RN_NOT_INSTALLED",
    `There is no ONNX Runtime: ${why}. Install onnxruntime-react-native, build the app anew with its native part, and pass ` +
      'how to import it: nnapi({ ort: () => import("onnxruntime-react-native") }).',
    { cause },
  );
}
