/**
 * Cases of sample: vocabularies around block sizes, more places than tokens, ties, logits that are no numbers, repeated
 * and empty histories; every way to limit the draw, each as a row of its own. Settings at which a rounding error could
 * change the token are replaced by others.
 */
import { type SamplerSettings, SETTINGS_COLUMNS, sample, settingsRow } from "@millet/core/ops";
import { type HostTensor, tensorOf, viewAs } from "@millet/core/tensor";
import { type CaseBuilder, type Inputs, ints, type OpCase, opCase } from "../case.js";
import { compareSamples } from "../compare-samples.js";
import type { Random } from "../random.js";

interface Shape {
  readonly vocabulary: number;
  readonly candidates: number;
  readonly history: number;
  readonly rows: readonly SamplerSettings[];
}

type Fill = (random: Random, shape: Shape) => Float32Array;

const OPEN: SamplerSettings = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyTokens: 64,
};
const PENALTIES = { repetitionPenalty: 1.1, frequencyPenalty: 0.25, presencePenalty: 0.5 };

const SETTINGS: readonly SamplerSettings[] = [
  { ...OPEN, temperature: 0 },
  { ...OPEN, temperature: 0, ...PENALTIES },
  { ...OPEN, temperature: 0.5, topK: 40, topP: 0.9, minP: 0.05, repetitionPenalty: 1.1 },
  { ...OPEN, topK: 3, ...PENALTIES, penaltyTokens: 2 },
  { ...OPEN, topK: 200, topP: 0.95, presencePenalty: -2 },
  { ...OPEN, topP: 0.8 },
  { ...OPEN, temperature: 1.5, topP: 0.97, ...PENALTIES },
  { ...OPEN, minP: 0.02, repetitionPenalty: 0.8 },
  { ...OPEN, temperature: 0.7 },
  { ...OPEN, topK: 1, temperature: 2, penaltyTokens: 0, presencePenalty: 9 },
];

const normals: Fill = (random, { vocabulary }) => random.normals(vocabulary, 2);
/** Most logits are shared by several tokens, 0 also as -0. */
const ties: Fill = (random, shape) => normals(random, shape).map((x) => Math.round(x * 2) / 2);
/** Every third is no number, or minus infinity. */
const holes: Fill = (random, shape) =>
  normals(random, shape).map((x, id) => (id % 3 === 0 ? [Number.NaN, Number.NEGATIVE_INFINITY][id % 2]! : x));
const none: Fill = (_, { vocabulary }) =>
  Float32Array.from({ length: vocabulary }, (_, id) =>
    id % 2 === 0 ? Number.NaN : Number.NEGATIVE_INFINITY,
  );
/** All below zero and far away, where exp would underflow. */
const deep: Fill = (random, shape) => normals(random, shape).map((x) => x - 500);

interface Scenario extends Shape {
  readonly name: string;
  readonly fill: Fill;
}

/** Enough rows for a vocabulary that takes long to go through. */
const FEW = [1, 2, 5, 8].map((i) => SETTINGS[i]!);
const FULL = { candidates: 128, history: 64, rows: SETTINGS };
const plain = (vocabulary: number): Scenario => ({
  ...FULL,
  vocabulary,
  name: `${vocabulary} tokens`,
  fill: normals,
});
const SCENARIOS: readonly Scenario[] = [
  ...[1, 7, 127, 128, 129, 1000].map(plain),
  ...[49152, 65_539].map((vocabulary) => ({ ...plain(vocabulary), rows: FEW })),
  { ...FULL, vocabulary: 1000, name: "ties", fill: ties },
  { ...FULL, vocabulary: 1000, name: "logits that are no numbers", fill: holes },
  { ...FULL, vocabulary: 130, name: "fewer numbers than places", fill: holes },
  { ...FULL, vocabulary: 257, name: "no numbers at all", fill: none },
  { ...FULL, vocabulary: 300, name: "deep logits", fill: deep },
  { ...FULL, vocabulary: 33, candidates: 5, history: 3, name: "few places", fill: normals },
  { ...FULL, vocabulary: 300, candidates: 1, history: 1, name: "one place", fill: ties },
];

export const sampleCases: readonly OpCase[] = SCENARIOS.map((scenario) =>
  opCase(`sample: ${scenario.name}`, { tolerance: 0, compare: compareSamples }, (builder) => {
    const { vocabulary, candidates, history } = scenario;
    const rows = scenario.rows.length;
    const operands = [
      builder.input("logits", "f32", [rows, vocabulary], "logits"),
      builder.input("history", "i32", [rows, history], "logits"),
      builder.input("settings", "f32", [rows, SETTINGS_COLUMNS.length], "logits"),
    ];
    const [token, next, packed] = builder.graph.emit(sample, operands, { candidates });
    const graph = builder.graph.finish({ token: token!, history: next!, candidates: packed! });
    const all = inputsOf(builder, scenario);
    return { graph, calls: [all, rowsOf(all, 2, 3), rowsOf(all, 0, 0)] };
  }),
);

/** All rows; the first has no history, the others as much of it as their number says, with repetitions. */
function inputsOf({ random }: CaseBuilder, scenario: Scenario): Inputs {
  const { vocabulary, history } = scenario;
  const rows = scenario.rows.map((settings, r) => {
    const logits = scenario.fill(random, scenario);
    const recent = Array.from({ length: history }, (_, i) => {
      if (i < history - 9 * r) return -1;
      return i % 7 === 3 ? vocabulary + i : random.below(Math.min(vocabulary, 40)); // ids beyond V are no tokens
    });
    return { logits, recent, settings: clearSettings(random, logits, recent, settings) };
  });
  return {
    logits: joined(
      rows.map((row) => row.logits),
      vocabulary,
    ),
    history: ints(
      rows.flatMap((row) => row.recent),
      [rows.length, history],
    ),
    settings: tensorOf(
      "f32",
      [rows.length, SETTINGS_COLUMNS.length],
      rows.flatMap((row) => row.settings),
    ),
  };
}

/** The settings with a draw at which no small change of any of them changes the token. */
function clearSettings(
  random: Random,
  logits: Float32Array,
  recent: readonly number[],
  settings: SamplerSettings,
): number[] {
  const tokenOf = (changed: SamplerSettings, draw: number) =>
    sampleOne(logits, recent, settingsRow(changed, draw));
  for (let attempt = 0; attempt < 100; attempt++) {
    const draw = random.uniform();
    const token = tokenOf(settings, draw);
    const isClear = [1 - 1e-4, 1 + 1e-4].every((factor) => {
      const { topP, minP, repetitionPenalty, temperature } = settings;
      const near = {
        ...settings,
        topP: topP === 1 ? 1 : topP * factor,
        minP: minP * factor,
        repetitionPenalty: repetitionPenalty === 1 ? 1 : repetitionPenalty * factor,
      };
      const draws = [draw * factor, 1 - (1 - draw) * factor];
      return (
        tokenOf(near, draw) === token &&
        tokenOf({ ...settings, temperature: temperature * factor }, draw) === token &&
        draws.every((other) => tokenOf(settings, other) === token)
      );
    });
    if (isClear) return settingsRow(settings, draw);
  }
  throw new Error("No draw is clear of near-ties: change the settings or the data.");
}

function sampleOne(logits: Float32Array, recent: readonly number[], settings: readonly number[]): number {
  const inputs = [
    tensorOf("f32", [1, logits.length], logits),
    ints(recent, [1, recent.length]),
    tensorOf("f32", [1, settings.length], settings),
  ];
  const [token] = sample.reference(inputs, { candidates: 1 }, undefined);
  return viewAs(token!, "i32")[0]!;
}

function joined(rows: readonly Float32Array[], columns: number): HostTensor {
  const values = new Float32Array(rows.length * columns);
  rows.forEach((row, r) => values.set(row, r * columns));
  return tensorOf("f32", [rows.length, columns], values);
}

/** Rows `start` to `end` of every input. */
function rowsOf(inputs: Inputs, start: number, end: number): Inputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { spec, data }]) => {
      const rowBytes = data.byteLength / spec.shape[0]!;
      const shape = [end - start, ...spec.shape.slice(1)];
      return [name, { spec: { ...spec, shape }, data: data.slice(start * rowBytes, end * rowBytes) }];
    }),
  );
}
