// The files that are compared: random models of known shapes, made once and kept in the ignored folder
// .cache/bench-models, or any GGUF file by its path.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SHAPES } from "../../scripts/random-model/shapes.ts";
import { writeProducts } from "./onnx-model.mjs";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = fileURLToPath(new URL(".cache/bench-models/", ROOT));
const MAKE = fileURLToPath(new URL("scripts/make-random-model.mjs", ROOT));
const DTYPE = "q4_0";

/** @returns {Promise<{ name: string, gguf: string, onnx?: string, fileBytes: number }>} */
export async function prepareModel(nameOrPath) {
  const shape = SHAPES[nameOrPath];
  if (shape === undefined) {
    const gguf = resolve(nameOrPath);
    return { name: basename(gguf), gguf, fileBytes: (await stat(gguf)).size };
  }
  await mkdir(FOLDER, { recursive: true });
  const gguf = await once(`${FOLDER}${nameOrPath}-${DTYPE}.gguf`, (out) =>
    promisify(execFile)(process.execPath, [MAKE, "--shape", nameOrPath, "--dtype", DTYPE, "--out", out]),
  );
  const onnx = await once(`${FOLDER}${nameOrPath}.onnx`, (out) => writeProducts(out, shape));
  const name = `${shape.title}, random weights, ${DTYPE.toUpperCase()}`;
  return { name, gguf, onnx, fileBytes: (await stat(gguf)).size };
}

/** A file that is there is whole: it gets its name when it is finished. */
async function once(path, make) {
  if (existsSync(path)) return path;
  await make(`${path}.part`);
  await rename(`${path}.part`, path);
  return path;
}
