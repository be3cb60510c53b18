/** What was measured on a device, as text that is kept between loads. Texts of others, and damaged ones, count for nothing. */
import type { Decision } from "./tune.js";

/** Raised when candidates of the same name come to mean something else. */
const FORMAT = 1;
/** Longer texts are not of ours. */
const MOST_CHARACTERS = 2 ** 18;

export type Decisions = ReadonlyMap<string, Decision>;

/** @param key identifies device, driver and version of this package */
export function writeRecord(key: string, decisions: Decisions): string {
  const sites = Object.fromEntries(
    [...decisions].map(([site, { candidate, gain }]) => [site, [candidate, Math.round(1000 * gain) / 1000]]),
  );
  return JSON.stringify({ format: FORMAT, key, sites });
}

/** The decisions of a record; none if it is not a record of this key. */
export function readRecord(key: string, text: string | undefined): Decisions {
  const decisions = new Map<string, Decision>();
  const record = parsed(text);
  if (!isObject(record) || record.format !== FORMAT || record.key !== key || !isObject(record.sites))
    return decisions;
  for (const [site, entry] of Object.entries(record.sites)) {
    if (!Array.isArray(entry)) continue;
    const [candidate, gain] = entry as readonly unknown[];
    if (typeof candidate === "string" && typeof gain === "number" && gain > 0)
      decisions.set(site, { candidate, gain });
  }
  return decisions;
}

function parsed(text: string | undefined): unknown {
  if (text === undefined || text.length > MOST_CHARACTERS) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
