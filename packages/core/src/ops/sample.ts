/**
 * sample: the sampler's choice from each row of logits, and candidates from which the host can make the choice again.
 * The device's choice is a prediction in float32: what counts is the host's, made from the candidates.
 */
import type { OpDef } from "../graph/op.js";
import { candidatesLength, MOST_TOKENS, packCandidates } from "../sampling/candidates.js";
import { chooseToken, NO_TOKEN } from "../sampling/choose.js";
import { rowDistribution } from "../sampling/distribution.js";
import { penalized } from "../sampling/penalties.js";
import { readSettings, SETTINGS_COLUMNS } from "../sampling/settings.js";
import { logSumExp, topTokens } from "../sampling/top-tokens.js";
import { createTensor, type TensorSpec, tensorOf, viewAs } from "../tensor/tensor.js";
import { checkArity, checkMatrix, checkOp } from "./check.js";
import { matrixOf, newMatrix } from "./rows.js";

export interface SampleAttrs {
  /** Places for candidates, K. */
  readonly candidates: number;
}

const OP = "sample";

/**
 * Inputs, all by logits: logits f32[R, V]; history i32[R, H], the last tokens of the text, the most recent last, -1 in
 * front where the text is shorter; settings f32[R, 9], columns as SETTINGS_COLUMNS has them.
 * Outputs: token i32[R]; history i32[R, H], moved left by one with the token at the end; candidates
 * f32[R, 4 + 2K + H] as sampling/candidates.ts lays them out. With these outputs as the inputs of the next step a device
 * generates without waiting for the host.
 *
 * A row in order (sampling/choose.ts and sampling/penalties.ts are the arithmetic):
 * 1. Penalties on the tokens among the last `penaltyTokens` entries of the history; an entry that is -1 or not below V
 *    is no token. Where the penalties are neutral, nothing.
 * 2. The token. Temperature 0 or top-k 1: the highest penalized logit. Otherwise the tokens that top-k (0 or V and more:
 *    all) leaves, best first; of these, until their mass reaches top-p of the mass of them all; of these, those whose
 *    logit is at least the highest + log(minP). Then the draw: weights exp((logit - highest) / temperature); the first
 *    token at which the running sum of weights exceeds draw * their sum; the best if rounding leaves none. Where top-k,
 *    top-p and min-p limit nothing, the running sum goes by ids instead of best first. Bias is not in it.
 * 3. Candidates, of the logits as they are.
 *
 * Where the draw has no limits, or the candidates do not tell all tokens that some draw would choose (`knowsAllChoices`),
 * a backend may give token -1 instead of the choice: the host reads the logits then. The reference always chooses.
 *
 * Equal logits (0 and -0 are) rank by id, the lower first. A logit that is NaN or -Infinity is no token's. A row without
 * tokens gives token -1 and log-sum-exps of -Infinity. If the highest logit is Infinity, token and log-sum-exps are not
 * defined.
 */
export const sample: OpDef<"sample", SampleAttrs> = {
  op: OP,
  infer(inputs, { candidates }) {
    checkArity(OP, inputs, 3);
    const [rows, vocabulary] = checkMatrix(OP, inputs, 0);
    const history = checkHistory(inputs, rows);
    const [settingsRows, columns] = checkMatrix(OP, inputs, 2);
    const width = SETTINGS_COLUMNS.length;
    checkOp(settingsRows === rows && columns === width, OP, `settings must be f32[R, ${width}]`, inputs);
    checkOp(vocabulary <= MOST_TOKENS, OP, `at most ${MOST_TOKENS} tokens`, inputs);
    checkOp(Number.isInteger(candidates) && candidates >= 1, OP, "candidates must be at least 1", inputs);
    return [
      { dtype: "i32", shape: [rows] },
      { dtype: "i32", shape: [rows, history] },
      { dtype: "f32", shape: [rows, candidatesLength(candidates, history)] },
    ];
  },
  reference([logits, history, settings], { candidates }) {
    const { rows, columns: vocabulary, values } = matrixOf(logits!);
    const recent = viewAs(history!, "i32");
    const length = history!.spec.shape[1]!;
    const given = matrixOf(settings!);
    const tokens = new Int32Array(rows);
    const next = createTensor(history!.spec);
    const width = candidatesLength(candidates, length);
    const packed = newMatrix(rows, width);
    for (let r = 0; r < rows; r++) {
      const row = values.subarray(r * vocabulary, (r + 1) * vocabulary);
      const past = recent.subarray(r * length, (r + 1) * length);
      const target = packed.values.subarray(r * width, (r + 1) * width);
      const token = sampleRow(row, past, given.values.subarray(r * given.columns), candidates, target);
      tokens[r] = token;
      viewAs(next, "i32").set([...past, token].slice(1), r * length);
    }
    return [tensorOf("i32", [rows], tokens), next, packed.tensor];
  },
};

/** Fills the row's candidates and returns its token. */
function sampleRow(
  logits: Float32Array,
  history: Int32Array,
  settings: Float32Array,
  places: number,
  target: Float32Array,
): number {
  const { draw, ...rest } = readSettings(settings);
  const changed = penalized(logits, history, rest);
  const token = chooseToken(rowDistribution(changed), rest, draw) ?? NO_TOKEN;
  const top = topTokens(logits, places);
  const filled = <Value>(values: readonly Value[], none: Value): Value[] =>
    Array.from({ length: places }, (_, i) => values[i] ?? none);
  packCandidates(target, {
    logSum: logSumExp(logits),
    penalizedLogSum: logSumExp(changed),
    count: top.length,
    token,
    ids: filled(Array.from(top), -1),
    logits: filled(
      Array.from(top, (id) => logits[id]!),
      Number.NEGATIVE_INFINITY,
    ),
    historyLogits: Array.from(history, (id) => known(logits[id])),
  });
  return token;
}

/** -Infinity for what is no logit. */
function known(logit: number | undefined): number {
  return logit === undefined || Number.isNaN(logit) ? Number.NEGATIVE_INFINITY : logit;
}

function checkHistory(inputs: readonly TensorSpec[], rows: number): number {
  const { dtype, shape } = inputs[1]!;
  checkOp(
    dtype === "i32" && shape.length === 2 && shape[0] === rows,
    OP,
    "history must be i32[R, H]",
    inputs,
  );
  return shape[1]!;
}
