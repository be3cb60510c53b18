/**
 * The 16 levels that iq4_nl and iq4_xs share: denser around 0, as weights are. Source: ggml-common.h, kvalues_iq4nl.
 */
import type { Levels } from "./fit.js";

const VALUES = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
const LOWEST = VALUES[0]!;
const HIGHEST = VALUES[15]!;

/** Code of the level nearest to each multiple of 1/2: where the nearest level changes is always one. */
const NEAREST = Uint8Array.from({ length: 2 * (HIGHEST - LOWEST) + 1 }, (_, i) => {
  const x = LOWEST + i / 2;
  return VALUES.reduce(
    (best, level, code) => (Math.abs(level - x) < Math.abs(VALUES[best]! - x) ? code : best),
    0,
  );
});

export const IQ4_LEVELS: Levels = {
  values: VALUES,
  nearest: (x) => NEAREST[Math.floor(2 * (Math.max(LOWEST, Math.min(HIGHEST, x)) - LOWEST))]!,
};
