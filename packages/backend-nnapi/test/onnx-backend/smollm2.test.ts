/** The shipped model: a padded prompt chunk and decoding over a cache in place give what core's reference gives. */
import { reference } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import smollm2 from "@millet/model-smollm2-135m-instruct";
import { expect, test } from "vitest";
import { decoderOf } from "../../../../test/support/decoder.js";
import { normalisedError } from "../../../../test/support/golden-models.js";
import { emittedBackend } from "../support/emitted-backend.js";

const PROMPT = [1, 4093, 198, 1780, 314, 260];
const DECODE = [3575, 282];

test("logits of a padded chunk of 8 and of tokens after it, within 1e-8 of the reference", async () => {
  const file = await openGguf(await openSource(smollm2));
  const rows: Float32Array[][] = [];
  const backends = [await reference().create(), await emittedBackend({ attention: "grouped", rows: 8 })];
  for (const backend of backends) {
    const decoder = await decoderOf(backend, file, 8, 32);
    const logits = await decoder.run(PROMPT, 0);
    for (const [i, token] of DECODE.entries())
      logits.push(...(await decoder.run([token], PROMPT.length + i)));
    rows.push(logits);
    await decoder.dispose();
    await backend.dispose();
  }
  await file.close();
  const expected = Float32Array.from(rows[0]!.flatMap((row) => [...row]));
  expect(normalisedError(rows[1]!, expected)).toBeLessThanOrEqual(1e-8);
}, 120_000);
