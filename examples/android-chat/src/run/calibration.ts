/**
 * The ranges of a model's activations, which NNAPI's fixed scales come from: measured once on the phone, on the CPU, with a
 * short text, and kept. `millet calibrate` measures them on a computer with a longer text, which is better.
 */
import { type ActivationScales, calibrate, parseActivationScales } from "@millet/backend-nnapi";
import type { BackendFactory } from "@millet/core";
import { openContainer } from "@millet/core/formats";
import { defineModel } from "@millet/core/models";
import { openSource, type Store } from "@millet/core/store";
import { modelTokenizer } from "@millet/core/tokenizer";
import type { RuntimeFiles } from "../files/runtime-files";
import { CALIBRATION_TEXT } from "./calibration-text";

export interface CalibrationRequest {
  /** A model that is in the store. */
  readonly address: string;
  readonly store: Store;
  /** Where the ranges are kept. */
  readonly files: RuntimeFiles;
  readonly backend: BackendFactory;
  readonly signal: AbortSignal;
  onProgress(share: number): void;
}

const MOST_TOKENS = 1024;

/** @throws MilletError as calibrate() and openSource do */
export async function modelCalibration(request: CalibrationRequest): Promise<ActivationScales> {
  const { address, files } = request;
  const name = `${address.replaceAll(/[^A-Za-z0-9]+/g, "-")}.scales.json`;
  if ((await files.size(name)) !== undefined)
    return parseActivationScales(JSON.parse(await files.readText(name)));
  const scales = await measure(request);
  await files.write(name, once(new TextEncoder().encode(JSON.stringify(scales))));
  return scales;
}

async function measure({
  address,
  store,
  backend,
  signal,
  onProgress,
}: CalibrationRequest): Promise<ActivationScales> {
  const source = await openSource(address, { store, network: "none", signal });
  const file = await openContainer(source, { signal });
  try {
    const model = await defineModel(file);
    const tokenizer = await modelTokenizer(file.metadata);
    const ids = Array.from(tokenizer.encode(CALIBRATION_TEXT)).slice(0, MOST_TOKENS);
    const window = Math.min(256, model.contextLength);
    return await calibrate(model, ids, {
      backend,
      window,
      signal,
      onProgress: ({ tokens, total }) => onProgress(tokens / total),
    });
  } finally {
    await file.close();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
