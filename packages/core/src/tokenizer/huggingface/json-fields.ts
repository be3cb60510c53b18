/**
 * Reads fields of a JSON file and says where one is wrong. Values are checked when asked for; what is never asked for
 * is never checked.
 */
import { MilletError } from "../../errors.js";

type Json = Readonly<Record<string, unknown>>;

/** A JSON object, and its place in the file for messages: "tokenizer.json: decoder.decoders[1]". */
export class JsonFields {
  private constructor(
    readonly value: Json,
    readonly where: string,
  ) {}

  /** @throws MilletError TOKENIZER_BAD_VOCABULARY unless `text` is a JSON object */
  static parse(text: string, file: string): JsonFields {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new MilletError(
        "TOKENIZER_BAD_VOCABULARY",
        `${file} is not valid JSON (${String(cause).slice(0, 200)}). The file is damaged or incomplete: get it again.`,
        { cause },
      );
    }
    if (!isObject(value)) throw malformed(file, "a JSON object");
    return new JsonFields(value, file);
  }

  private path(name: string): string {
    return this.where.includes(": ") ? `${this.where}.${name}` : `${this.where}: ${name}`;
  }

  /** The field, or undefined if it is absent or null. */
  get(name: string): unknown {
    return Object.hasOwn(this.value, name) ? (this.value[name] ?? undefined) : undefined;
  }

  /** An error about the field `name`. */
  fail(name: string, what: string): MilletError {
    return malformed(this.path(name), what);
  }

  object(name: string): JsonFields {
    const value = this.optionalObject(name);
    if (value === undefined) throw this.fail(name, "an object");
    return value;
  }

  optionalObject(name: string): JsonFields | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw this.fail(name, "an object");
    return new JsonFields(value, this.path(name));
  }

  /** The field as a list of objects; an absent one is empty. */
  objects(name: string): JsonFields[] {
    return this.list(name).map((item, i) => {
      if (!isObject(item)) throw this.fail(`${name}[${i}]`, "an object");
      return new JsonFields(item, this.path(`${name}[${i}]`));
    });
  }

  list(name: string): readonly unknown[] {
    const value = this.get(name) ?? [];
    if (!Array.isArray(value)) throw this.fail(name, "a list");
    return value;
  }

  string(name: string): string {
    const value = this.optionalString(name);
    if (value === undefined) throw this.fail(name, "a string");
    return value;
  }

  optionalString(name: string): string | undefined {
    const value = this.get(name);
    if (value !== undefined && typeof value !== "string") throw this.fail(name, "a string");
    return value;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.get(name) ?? fallback;
    if (typeof value !== "boolean") throw this.fail(name, "true or false");
    return value;
  }

  number(name: string): number | undefined {
    const value = this.get(name);
    if (value !== undefined && typeof value !== "number") throw this.fail(name, "a number");
    return value;
  }

  /** A whole number of at least `least`. */
  integer(name: string, fallback: number | undefined, least = 0): number {
    const value = this.get(name) ?? fallback;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least) {
      throw this.fail(name, `a whole number of ${least} or more`);
    }
    return value;
  }

  /** The field `type`, which says what a component is. */
  get type(): string {
    return this.string("type");
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(where: string, what: string): MilletError {
  return new MilletError(
    "TOKENIZER_BAD_VOCABULARY",
    `${where} should be ${what} and is not. The file is damaged, or of a version that Millet does not know: get it again.`,
  );
}

/** A component that Millet does not have. `known` are the types that it has in this place. */
export function unsupportedComponent(fields: JsonFields, known: readonly string[]): MilletError {
  const type = fields.type.slice(0, 80);
  return new MilletError(
    "TOKENIZER_UNSUPPORTED",
    `${fields.where} is of the type ${JSON.stringify(type)}, which Millet does not have; it has ${known.join(", ")}.`,
    { details: { component: type } },
  );
}

/** An option of a component that Millet does not have. */
export function unsupportedOption(fields: JsonFields, why: string): MilletError {
  return new MilletError("TOKENIZER_UNSUPPORTED", `${fields.where} ${why}.`, {
    details: { component: fields.where },
  });
}
