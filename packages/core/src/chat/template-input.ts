/**
 * What an app passes to a template, made into template values. All text from outside is untrusted, save roles
 * that are plain names: templates build their own control tokens from those ("<|" + role + "|>").
 */

import { Text } from "./template-text.js";
import { Dict, Float, failed, List, Undefined, type Value } from "./template-values.js";

const PLAIN_ROLE = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;
const MAX_DEPTH = 64;

/** Converts JSON-like data. @throws MilletError TEMPLATE_FAILED for what JSON cannot say */
export function toTemplateValue(input: unknown, depth = 0): Value {
  if (depth > MAX_DEPTH) throw failed(`The chat template's input is nested deeper than ${MAX_DEPTH} levels.`);
  if (input === null || typeof input === "boolean") return input;
  if (input === undefined) return new Undefined("a value of the input");
  if (typeof input === "string") return Text.untrusted(input);
  if (typeof input === "number") return Number.isInteger(input) ? input : new Float(input);
  if (Array.isArray(input)) return new List(input.map((item) => toTemplateValue(item, depth + 1)));
  if (typeof input === "object") {
    return Dict.of(
      Object.entries(input)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [Text.untrusted(key), toTemplateValue(value, depth + 1)] as const),
    );
  }
  throw failed(
    `The chat template's input holds a ${typeof input}; it takes text, numbers, lists and objects.`,
  );
}

/** Converts messages, whose roles are trusted where they are plain names. */
export function toMessages(messages: readonly object[]): List {
  return new List(
    messages.map((message) => {
      const value = toTemplateValue(message, 1);
      if (!(value instanceof Dict))
        throw failed("Each message given to the chat template should be an object.");
      const role = value.get("role");
      if (role instanceof Text && PLAIN_ROLE.test(role.value)) {
        value.entries.set("role", [new Text("role"), new Text(role.value)]);
      }
      return value;
    }),
  );
}

/** UTF-16 units of all text in the input, roughly: what the budget grows with. */
export function inputLength(value: Value): number {
  if (value instanceof Text) return value.length;
  let length = 1;
  if (value instanceof List) for (const item of value.items) length += inputLength(item);
  if (value instanceof Dict) {
    for (const [key, item] of value.entries.values()) length += key.length + inputLength(item);
  }
  return length;
}
