/** Calls out of JSON that a model wrote: one or a list, with the field names that models use. */
import { isRecord } from "../check-messages.js";
import { parsedJson, type RawCall } from "./family-syntax.js";

/**
 * @param name of the call, where it stands before the JSON; else it is within
 * @returns why it is no call, if it is none
 */
export function readCalls(
  json: string,
  name: string | undefined,
  needsArguments: boolean,
): readonly RawCall[] | string {
  const value = parsedJson(json);
  if (value === undefined) return "a call that is not JSON";
  if (name !== undefined) return isRecord(value) ? [{ name, arguments: value }] : noArguments(name);
  const calls: RawCall[] = [];
  for (const item of Array.isArray(value) ? value : [value]) {
    const call = readCall(item, needsArguments);
    if (typeof call === "string") return call;
    calls.push(call);
  }
  return calls;
}

function readCall(item: unknown, needsArguments: boolean): RawCall | string {
  if (!isRecord(item)) return "a call that is no object";
  const name = item.name ?? item.tool_name;
  if (typeof name !== "string" || name === "") return "a call without a name";
  const given = item.arguments ?? item.parameters ?? (needsArguments ? undefined : {});
  const args = typeof given === "string" ? parsedJson(given) : given;
  return isRecord(args) ? { name, arguments: args } : noArguments(name);
}

function noArguments(name: string): string {
  return `a call of ${name.slice(0, 100)} whose arguments are no object`;
}
