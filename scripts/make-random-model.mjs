/**
 * Writes a model with random weights, to measure speed and memory at any size: a GGUF file, or a
 * Hugging Face folder with BF16 shards.
 * Needs built packages (npm run build). Run without arguments for the options.
 */
import { parseArgs } from "node:util";
import { writeRandomFolder } from "./random-model/folder.ts";
import { writeRandomModel } from "./random-model/model.ts";
import { parameterCount, SHAPES } from "./random-model/shapes.ts";
import { WEIGHT_TYPES } from "./random-model/weights.ts";

const USAGE = `Use: npx node scripts/make-random-model.mjs --shape SHAPE --dtype TYPE --out FILE [options]
  --shape            ${Object.keys(SHAPES).join(", ")}
  --dtype            ${WEIGHT_TYPES.join(", ")}: of all matrices
                     (q2_k to q6_k and iq4_xs need rows that divide by 256: not tiny, not smollm2-135m)
  --embedding-dtype  of the embedding, if it shall differ
  --untied           gives the output a matrix of its own
  --layers           fewer than the shape has
  --seed             a whole number (1)
  --folder           OUT becomes a Hugging Face folder of bf16 shards instead (only with --dtype bf16)
  --shard-megabytes  the largest shard of a folder (2000)
  --vocab-from       a GGUF file whose tokenizer is copied; otherwise one is made up`;

const { values } = parseArgs({
  options: {
    shape: { type: "string" },
    dtype: { type: "string" },
    "embedding-dtype": { type: "string" },
    out: { type: "string" },
    layers: { type: "string" },
    seed: { type: "string", default: "1" },
    "vocab-from": { type: "string" },
    untied: { type: "boolean", default: false },
    folder: { type: "boolean", default: false },
    "shard-megabytes": { type: "string", default: "2000" },
  },
});
const { dtype, out, "embedding-dtype": embeddingType = dtype, "vocab-from": vocabFrom } = values;
const shape = SHAPES[values.shape ?? ""];
const seed = Number(values.seed);
const layers = Number(values.layers ?? shape?.layers);
const known = [dtype, embeddingType].every((type) => WEIGHT_TYPES.includes(type));
if (
  !shape ||
  !known ||
  out === undefined ||
  !Number.isInteger(seed) ||
  (values.folder && dtype !== "bf16") ||
  !(layers >= 1 && layers <= shape.layers)
) {
  console.error(USAGE);
  process.exit(2);
}

const start = performance.now();
const wanted = { ...shape, layers, tied: shape.tied && !values.untied };
const model = { shape: wanted, type: dtype, embeddingType, seed, vocabFrom };
const maxShardBytes = Number(values["shard-megabytes"]) * 1e6;
const written = values.folder
  ? writeRandomFolder(out, { shape: wanted, seed, maxShardBytes })
  : writeRandomModel(out, model);
const byteLength = await written.catch((error) => {
  console.error(String(error));
  process.exit(1);
});
const seconds = (performance.now() - start) / 1000;
const billions = (parameterCount(wanted) / 1e9).toFixed(3);
console.log(`${out}: ${billions} billion parameters, ${byteLength} bytes, ${seconds.toFixed(1)} s`);
