/** SmolLM2-135M-Instruct as a model source. */

/** One shard of the model. */
export interface ModelShard {
  /** By which the shards refer to each other, whatever a bundler calls the file. */
  readonly name: string;
  readonly location: URL;
  readonly byteLength: number;
  /** Of the file, in hexadecimal. */
  readonly sha256: string;
}

/** Settings with which the model answers best. loadModel applies them where the app does not say otherwise. */
export interface RecommendedSettings {
  readonly system: string;
  readonly generation: { readonly temperature: number; readonly repetitionPenalty: number };
}

/** Pass it to loadModel as it is: `await loadModel(model, { backend })`. */
export declare const model: {
  readonly name: string;
  readonly files: readonly ModelShard[];
  readonly defaults: RecommendedSettings;
};

export default model;
