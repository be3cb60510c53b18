/** The numbers that the choice of a token depends on, and their places in a row of an op's operand. Checks nothing. */

/** Meaning and ranges of each: generate/options.ts. */
export interface SamplerSettings {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  readonly penaltyTokens: number;
}

/** Columns of a row of settings, in order; `draw` is a uniform number in [0, 1). */
export const SETTINGS_COLUMNS = [
  "temperature",
  "topK",
  "topP",
  "minP",
  "repetitionPenalty",
  "frequencyPenalty",
  "presencePenalty",
  "draw",
  "penaltyTokens",
] as const satisfies readonly (keyof SamplerSettings | "draw")[];

type SettingsRow = SamplerSettings & { readonly draw: number };

/** A row of settings. [SETTINGS_COLUMNS.length] */
export function settingsRow(settings: SamplerSettings, draw: number): number[] {
  const all: SettingsRow = { ...settings, draw };
  return SETTINGS_COLUMNS.map((name) => all[name]);
}

/** What {@link settingsRow} wrote. */
export function readSettings(row: Float32Array): SettingsRow {
  return Object.fromEntries(SETTINGS_COLUMNS.map((name, i) => [name, row[i]!])) as Record<
    (typeof SETTINGS_COLUMNS)[number],
    number
  >;
}
