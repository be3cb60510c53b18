/** Reads numbers and names of an architecture's configuration from metadata, checking ranges. */
import { MilletError } from "../errors.js";

interface NumberRule {
  /** Value when the key is missing; without it the key is required. */
  readonly fallback?: number;
  readonly min?: number;
  readonly max?: number;
}

/** A view of `<architecture>.*` keys of GGUF metadata. */
export class ConfigReader {
  readonly architecture: string;
  readonly #metadata: ReadonlyMap<string, unknown>;

  constructor(architecture: string, metadata: ReadonlyMap<string, unknown>) {
    this.architecture = architecture;
    this.#metadata = metadata;
  }

  has(key: string): boolean {
    return this.#metadata.has(this.#full(key));
  }

  /** @throws MilletError MODEL_BAD_CONFIG if the key is missing, not a whole number, or out of range */
  integer(key: string, rule: NumberRule = {}): number {
    const value = this.number(key, { min: 1, max: 2 ** 31 - 1, ...rule });
    if (!Number.isInteger(value)) throw this.#bad(key, value, "must be a whole number");
    return value;
  }

  /** @throws MilletError MODEL_BAD_CONFIG if the key is missing, not a finite number, or out of range */
  number(
    key: string,
    { fallback, min = -Number.MAX_VALUE, max = Number.MAX_VALUE }: NumberRule = {},
  ): number {
    const value = this.#metadata.get(this.#full(key)) ?? fallback;
    if (value === undefined) throw this.#bad(key, value, "is missing");
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.#bad(key, value, "must be a number");
    if (value < min || value > max) throw this.#bad(key, value, `must be between ${min} and ${max}`);
    return value;
  }

  /** @throws MilletError MODEL_BAD_CONFIG if the value is there and not a string */
  string(key: string, fallback: string): string {
    const value = this.#metadata.get(this.#full(key)) ?? fallback;
    if (typeof value !== "string") throw this.#bad(key, value, "must be a string");
    return value;
  }

  /** @throws MilletError MODEL_BAD_CONFIG if the value is there and not a truth value */
  boolean(key: string, fallback: boolean): boolean {
    const value = this.#metadata.get(this.#full(key)) ?? fallback;
    if (typeof value !== "boolean") throw this.#bad(key, value, "must be true or false");
    return value;
  }

  isList(key: string): boolean {
    const value = this.#metadata.get(this.#full(key));
    return Array.isArray(value) || ArrayBuffer.isView(value);
  }

  /**
   * Truth values, one a layer.
   * @throws MilletError MODEL_BAD_CONFIG if the value is there and not a list of so many of them
   */
  flags(key: string, length: number): readonly boolean[] | undefined {
    const value = this.#metadata.get(this.#full(key));
    if (value === undefined) return undefined;
    const list = Array.isArray(value) || value instanceof Uint8Array ? Array.from<unknown>(value) : [];
    const isFlag = (item: unknown) => [true, false, 0, 1].some((flag) => flag === item);
    if (list.length === length && list.every(isFlag)) return list.map(Boolean);
    throw this.#bad(key, value, `must be a list of ${length} truth values`);
  }

  /** The error for a value that this reader cannot judge. */
  unsupported(key: string, value: unknown, supported: string): MilletError {
    return this.#bad(key, value, `is not supported; supported: ${supported}`);
  }

  #full(key: string): string {
    return `${this.architecture}.${key}`;
  }

  #bad(key: string, value: unknown, rule: string): MilletError {
    const shown = value === undefined ? "" : ` (${String(value).slice(0, 40)})`;
    return new MilletError(
      "MODEL_BAD_CONFIG",
      `Model configuration: ${this.#full(key)}${shown} ${rule}. The file is damaged or made for another engine.`,
      { details: { key: this.#full(key) } },
    );
  }
}
