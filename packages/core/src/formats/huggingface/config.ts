/** Reads config.json: keys with their other names and defaults, the text part of multimodal models, errors that name the key. */
import { MilletError } from "../../errors.js";
import { isObject, type JsonObject } from "../json.js";

export class Config {
  readonly #values: JsonObject;
  readonly #defaults: JsonObject;

  /** @param defaults of keys that config.json may leave out, as the model's class in transformers has them */
  constructor(values: JsonObject, defaults: JsonObject = {}) {
    this.#values = values;
    this.#defaults = defaults;
  }

  /** The value of the first of `keys` that is there; null counts as absent. */
  get(...keys: readonly string[]): unknown {
    for (const values of [this.#values, this.#defaults]) {
      for (const key of keys) if (Object.hasOwn(values, key) && values[key] != null) return values[key];
    }
    return undefined;
  }

  /** @throws MilletError MODEL_BAD_CONFIG unless it is a finite number */
  number(...keys: readonly string[]): number {
    const value = this.optionalNumber(...keys);
    if (value !== undefined) return value;
    throw configError(`${keys[0]} is missing.`);
  }

  optionalNumber(...keys: readonly string[]): number | undefined {
    const value = this.get(...keys);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw configError(`${keys[0]} is ${shown(value)} and should be a number.`);
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.get(key) ?? fallback;
    if (typeof value === "boolean") return value;
    throw configError(`${key} is ${shown(value)} and should be true or false.`);
  }

  object(key: string): JsonObject | undefined {
    const value = this.get(key);
    if (value === undefined || isObject(value)) return value;
    throw configError(`${key} is ${shown(value)} and should be an object.`);
  }

  /** A list of numbers, or of strings. */
  list<T extends "number" | "string">(
    key: string,
    of: T,
  ): readonly (T extends "number" ? number : string)[] | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.length <= MAX_LIST && value.every((item) => typeof item === of))
      return value;
    throw configError(`${key} should be a list of ${of}s.`);
  }
}

const MAX_LIST = 1 << 16;

export function configError(
  what: string,
  next = "The file is damaged or made for another engine.",
): MilletError {
  return new MilletError("MODEL_BAD_CONFIG", `config.json: ${what} ${next}`);
}

export function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "not given").slice(0, 60);
}
