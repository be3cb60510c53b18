/**
 * JSON files of a model, which may be hostile: bounded in bytes, valid UTF-8, and without the shapes that take far more
 * memory as objects than as text.
 */
import { MilletError, type MilletErrorCode } from "../errors.js";
import { createUtf8Decoder } from "../platform/utf8.js";
import type { ByteSource } from "../tensor/byte-source.js";

export type JsonObject = Readonly<Record<string, unknown>>;

export interface JsonRule {
  /** What the text is, for messages: "model.safetensors: the header". */
  readonly what: string;
  /** Of the error if it is not what it should be. */
  readonly code: MilletErrorCode;
  /** Most bytes. */
  readonly limit: number;
}

/** A whole file. @throws MilletError with the rule's code if it is too large; SOURCE_*, ABORTED */
export async function readWhole(
  source: ByteSource,
  rule: JsonRule,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (source.byteLength <= rule.limit) return source.read(0, source.byteLength, signal);
  throw jsonError(rule, `has ${source.byteLength} bytes; more than ${rule.limit} are not possible.`);
}

export function decodeUtf8(bytes: Uint8Array, rule: JsonRule): string {
  try {
    return createUtf8Decoder({ fatal: true }).decode(bytes);
  } catch (cause) {
    throw jsonError(rule, "is not valid UTF-8.", cause);
  }
}

/** @throws MilletError with the rule's code if the text is no JSON object */
export function parseObject(text: string, rule: JsonRule): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw jsonError(rule, "is no valid JSON.", cause);
  }
  if (isObject(value)) return value;
  throw jsonError(rule, "is no JSON object.");
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Refuses a text with more braces and brackets than there is honest use for: "[[[[..." and "[{},{},..." become objects
 * of thirty times their size.
 * @param bytesEach of text around each object that is expected
 */
export function checkDensity(bytes: Uint8Array, bytesEach: number, rule: JsonRule): void {
  let opened = 0;
  for (const byte of bytes) if (byte === 0x7b || byte === 0x5b) opened++;
  if (opened > bytes.byteLength / bytesEach + 64) {
    throw jsonError(rule, `has ${opened} objects and lists in ${bytes.byteLength} bytes.`);
  }
}

export function jsonError({ what, code }: JsonRule, problem: string, cause?: unknown): MilletError {
  return new MilletError(code, `${what} ${problem} The file is damaged: get it again.`, { cause });
}
