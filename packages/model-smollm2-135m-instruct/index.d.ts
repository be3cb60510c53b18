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

/** Pass it to loadModel as it is: `await loadModel(model, { backend })`. */
export declare const model: {
  readonly files: readonly ModelShard[];
  /** The system message and the sampling that suit the model; loadModel applies them. */
  readonly defaults: {
    readonly system: string;
    readonly generation: { readonly temperature: number; readonly repetitionPenalty: number };
  };
};

/** Settings with which this model answers best: the system message of a chat, and defaults for loadModel. */
export declare const recommended: {
  readonly system: string;
  readonly generation: { readonly temperature: number; readonly repetitionPenalty: number };
};

export default model;
