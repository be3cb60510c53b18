/**
 * The shipped model on the CPU backend against the reference backend, over the first 2,048 tokens of a real text, and what
 * narrower types of the KV cache cost there.
 * fixtures/smollm2/wikitext2.reference.json was made by scripts/record-reference.ts.
 */
import { readFileSync } from "node:fs";
import { cpu } from "@millet/backend-cpu";
import { type KvDType, loadModel, MilletError, type ScoreResult } from "@millet/core";
import smollm2 from "@millet/model-smollm2-135m-instruct";
import { expect, test } from "vitest";
import { describeWith, sharedData } from "../../../test/support/availability.js";

interface Recorded {
  readonly tokens: number;
  readonly perplexity: number;
  /** Of tokens 1 .. tokens - 1. */
  readonly logprobs: readonly number[];
}

const file = new URL("../../../fixtures/smollm2/wikitext2.reference.json", import.meta.url);
const recorded: Recorded = JSON.parse(readFileSync(file, "utf8"));

/** What a type may cost, as a share of the f32 cache's perplexity: docs/kv-cache.md has what it does cost. */
const KV_COST = { f16: 0.0005, q8_0: 0.005 } as const;

type Engine = "wasm" | "native";
const scores = new Map<string, Promise<ScoreResult>>();

/** The text's score; each is computed once. */
function scoreOf(path: string, engine: Engine, kvDType: KvDType): Promise<ScoreResult> {
  const key = `${engine} ${kvDType}`;
  const known = scores.get(key) ?? computeScore(path, engine, kvDType);
  scores.set(key, known);
  return known;
}

async function computeScore(path: string, engine: Engine, kvDType: KvDType): Promise<ScoreResult> {
  const backend = cpu({ engine, threads: 2 });
  const model = await loadModel(smollm2, {
    backend,
    contextLength: recorded.tokens,
    maxSequences: 1,
    kvDType,
  });
  const ids = model.tokenizer.encode(readFileSync(path, "utf8").slice(0, 40_000)).slice(0, recorded.tokens);
  const score = await model.score([...ids]);
  await model.dispose();
  return score;
}

describeWith(sharedData("text/wikitext2-raw-test.txt"), "perplexity of the shipped model", (path) => {
  const score = (engine: Engine, kvDType: KvDType, skip: (reason: string) => void) =>
    scoreOf(path, engine, kvDType).catch((error: unknown) => {
      if (engine === "native" && error instanceof MilletError && error.code === "BACKEND_UNAVAILABLE")
        skip(error.message);
      throw error;
    });

  test.for(["wasm", "native"] as const)(
    "%s: within 0.5% of the reference's",
    { timeout: 120_000 },
    async (engine, { skip }) => {
      const { perplexity, logprobs } = await score(engine, "f32", skip);
      expect(Math.abs(perplexity / recorded.perplexity - 1)).toBeLessThan(0.005);
      // The means could agree by chance; token by token the int8 activations cost a few hundredths.
      const apart = recorded.logprobs.map((value, i) => Math.abs(logprobs[i]! - value)).sort((a, b) => a - b);
      expect(apart[apart.length >> 1]).toBeLessThan(0.05);
      expect(apart[Math.floor(apart.length * 0.99)]).toBeLessThan(0.5);
    },
  );

  test.for(["f16", "q8_0"] as const)(
    "a KV cache of %s costs little",
    { timeout: 120_000 },
    async (kvDType, { skip }) => {
      const [exact, rounded] = [await score("native", "f32", skip), await score("native", kvDType, skip)];
      expect(rounded.logprobs).not.toEqual(exact.logprobs);
      expect(Math.abs(rounded.perplexity / exact.perplexity - 1)).toBeLessThan(KV_COST[kvDType]);
    },
  );
});
