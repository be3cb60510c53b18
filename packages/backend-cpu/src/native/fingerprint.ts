/** A number that names a version of the Program format: equal lists of names and values, equal numbers. */

/** @param enums by name; members of value "number" count, in any order @returns FNV-1a, 32 bits */
export function programFingerprint(
  enums: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): number {
  const lines = Object.entries(enums).flatMap(([name, members]) =>
    Object.entries(members)
      .filter(([, value]) => typeof value === "number")
      .map(([member, value]) => `${name}.${member}=${value}`),
  );
  let hash = 0x811c9dc5;
  for (const char of lines.sort().join("\n")) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  return hash;
}
