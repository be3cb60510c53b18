/** Whether tests of the native engine can run here. */
import type { Requirement } from "../../../../test/support/availability.js";
import { findNative } from "../../src/native/load.js";

/** The addon, or why there is none. MILLET_REQUIRE=native makes its absence a failure. */
export function nativeEngine(): Requirement {
  const found = findNative();
  if (found.available) return { kind: "native", path: found.path };
  const how = 'install a C++ compiler (g++ or clang++) and run "npm run build"';
  return { kind: "native", path: undefined, missing: "no native engine", how };
}

/** Instruction sets that this processor runs, best first. */
export function nativeLevels(): string[] {
  const found = findNative();
  return found.available ? Object.keys(found.levels).filter((name) => found.levels[name]) : [];
}
