/**
 * Every failure that Millet reports is a MilletError with a stable `code`.
 * A message says what went wrong, where, and what to do next; `cause` keeps the original error.
 * This file promises the codes; it knows nothing of the code that throws them.
 */

/** Stable error codes, one list. Add a code here before throwing it; never reuse one for another meaning. */
export const ERROR_CODES = [
  // arguments and use
  "INVALID_ARGUMENT",
  "DISPOSED",
  "ABORTED",
  "UNSUPPORTED_PLATFORM",
  "SCRIPT_UNAVAILABLE",
  // sources of bytes
  "SOURCE_NOT_FOUND",
  "SOURCE_READ_FAILED",
  "SOURCE_RANGE_UNSUPPORTED",
  "SOURCE_CHANGED",
  "SOURCE_TRUNCATED",
  "SOURCE_CORRUPT",
  "SOURCE_NOT_STORED",
  // the store of downloads
  "STORE_FULL",
  "STORE_FAILED",
  // GGUF
  "GGUF_BAD_MAGIC",
  "GGUF_BIG_ENDIAN",
  "GGUF_UNSUPPORTED_VERSION",
  "GGUF_TRUNCATED",
  "GGUF_BAD_COUNT",
  "GGUF_BAD_STRING",
  "GGUF_BAD_METADATA",
  "GGUF_NESTED_ARRAY",
  "GGUF_DUPLICATE_KEY",
  "GGUF_DUPLICATE_TENSOR",
  "GGUF_BAD_TENSOR",
  "GGUF_UNKNOWN_QUANT_TYPE",
  "GGUF_TENSOR_MISALIGNED",
  "GGUF_TENSOR_OUT_OF_BOUNDS",
  "GGUF_TENSOR_OVERLAP",
  "GGUF_SHARD_MISSING",
  "GGUF_SHARD_MISMATCH",
  // safetensors
  "SAFETENSORS_BAD_HEADER",
  "SAFETENSORS_TRUNCATED",
  "SAFETENSORS_BAD_TENSOR",
  "SAFETENSORS_UNKNOWN_DTYPE",
  "SAFETENSORS_TENSOR_OUT_OF_BOUNDS",
  "SAFETENSORS_TENSOR_OVERLAP",
  "SAFETENSORS_BAD_INDEX",
  "SAFETENSORS_SHARD_MISSING",
  "SAFETENSORS_SHARD_MISMATCH",
  // model
  "MODEL_UNKNOWN_ARCHITECTURE",
  "MODEL_BAD_CONFIG",
  "MODEL_UNSUPPORTED_QUANTIZATION",
  "MODEL_TENSOR_MISSING",
  "MODEL_TENSOR_UNKNOWN",
  "MODEL_TENSOR_SHAPE",
  "MODEL_TENSOR_DTYPE",
  "MODEL_TOO_LARGE",
  "MODEL_NOT_GENERATIVE",
  // tokenizer and templates
  "TOKENIZER_MISSING",
  "TOKENIZER_UNSUPPORTED",
  "TOKENIZER_BAD_VOCABULARY",
  "TEMPLATE_MISSING",
  "TEMPLATE_INVALID",
  "TEMPLATE_FAILED",
  "TEMPLATE_STEP_LIMIT",
  // graphs
  "GRAPH_INVALID",
  "GRAPH_UNSUPPORTED_OP",
  // backends and execution
  "KV_DTYPE_UNSUPPORTED",
  "BACKEND_UNAVAILABLE",
  "BACKEND_LOST",
  "BACKEND_FAILED",
  "OUT_OF_MEMORY",
  // ONNX files
  "ONNX_MALFORMED",
  "ONNX_TOO_LARGE",
  // ONNX Runtime in React Native, and Android's NNAPI through it
  "ORT_RN_NOT_INSTALLED",
  "ORT_RN_BUFFER_LOAD_IGNORES_OPTIONS",
  "NNAPI_NODE_UNSUPPORTED",
  "NNAPI_DRIVER_REJECTED",
  "NNAPI_SLOWER_THAN_CPU",
  "NNAPI_REFERENCE_ONLY",
  "NNAPI_MEMORY_BUDGET",
  // activation scales of quantized prefill
  "CALIBRATION_MISSING",
  "CALIBRATION_INVALID",
  "CALIBRATION_MISMATCH",
  // generation
  "CONTEXT_FULL",
  "SESSION_BUSY",
] as const;

export type MilletErrorCode = (typeof ERROR_CODES)[number];

export interface MilletErrorOptions {
  /** The underlying failure, kept for debugging. */
  readonly cause?: unknown;
  /** Machine-readable facts about the failure: names, sizes, offsets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error type that Millet throws. `name` is "MilletError"; tell failures apart by `code`. */
export class MilletError extends Error {
  override readonly name = "MilletError";
  readonly code: MilletErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  /**
   * @param code one of {@link ERROR_CODES}
   * @param message what, where, what next; without the code, which `toString()` puts in front
   */
  constructor(code: MilletErrorCode, message: string, options: MilletErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  override toString(): string {
    return `MilletError ${this.code}: ${this.message}`;
  }
}

/** True for a MilletError, also one from another copy of this package. */
export function isMilletError(error: unknown): error is MilletError {
  return error instanceof Error && error.name === "MilletError" && "code" in error;
}

/**
 * Throws MilletError ABORTED if `signal` is aborted; the abort reason becomes the cause.
 * @param what the work that stops, for the message: "loading the model"
 */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw abortedError(signal, what);
}

/** The MilletError for an aborted `signal`. */
export function abortedError(signal: AbortSignal | undefined, what: string): MilletError {
  return new MilletError("ABORTED", `${what} was aborted by the caller.`, { cause: signal?.reason });
}

/**
 * What a dynamic import gives of a package's own part, which bundlers put into a file that pages fetch when they need it.
 * @param owner whose part it is, for the message: "the CPU backend"
 * @param code of the failure; a backend's lets the next backend of a list serve
 * @throws MilletError with that code if the file cannot be had
 */
export async function importedPart<T>(
  part: Promise<T>,
  owner: string,
  code: MilletErrorCode = "BACKEND_UNAVAILABLE",
): Promise<T> {
  try {
    return await part;
  } catch (cause) {
    throw new MilletError(
      code,
      `A script of ${owner} could not be loaded (${String(cause)}). Serve every file of the app's build, and ` +
        "reload the page if the app was deployed anew.",
      { cause },
    );
  }
}

/** {@link importedPart} for the parts of core that not every model needs. @throws MilletError SCRIPT_UNAVAILABLE */
export function corePart<T>(part: Promise<T>): Promise<T> {
  return importedPart(part, "@millet/core", "SCRIPT_UNAVAILABLE");
}
