/**
 * Time of a token at 4,096 tokens of context beside that at 128, by type of the KV cache, and what the bytes that are read
 * allow: `npm run bench -- context --model FILE [--engine wasm|native] [--type f32|f16|q8_0] [--threads N] [--pairs N]`.
 */
import { parseArgs } from "node:util";
import { KV_DTYPES } from "@millet/core/backend";
import { cpu } from "../src/index.js";
import { measureLongContext } from "./long-context.js";

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    model: { type: "string" },
    engine: { type: "string" },
    type: { type: "string" },
    threads: { type: "string", default: "2" },
    pairs: { type: "string", default: "200" },
  },
});
if (values.model === undefined) throw new Error("Name a model: --model FILE");
const types = KV_DTYPES.filter((type) => values.type === undefined || type === values.type);
if (types.length === 0) throw new Error(`--type is one of ${KV_DTYPES.join(", ")}, not ${values.type}`);
const engines = values.engine === undefined ? ["native", "wasm"] : [values.engine];
console.log("engine  cache   128 ms  4096 ms   ratio   limit");
for (const name of engines) {
  const engine = name === "native" ? "native" : "wasm";
  for (const dtype of types) {
    const factory = cpu({ engine, threads: Number(values.threads) });
    const result = await measureLongContext(factory, values.model, dtype, Number(values.pairs));
    const { shortMs, longMs, ratio, limit } = result;
    const columns = [shortMs, longMs, ratio, limit].map((value) => value.toFixed(2).padStart(7));
    console.log(`${name.padEnd(7)} ${dtype.padEnd(5)} ${columns.join(" ")}`);
  }
}
