/**
 * SmolLM2-135M-Instruct as a model source: the shards beside this file, their sizes and checksums.
 * Each URL is written out, since bundlers copy only what they see as new URL("./file", import.meta.url).
 */

export const model = {
  name: "SmolLM2-135M-Instruct",
  files: [
    {
      name: "SmolLM2-135M-Instruct.Q4_1-00001-of-00003.gguf",
      location: new URL("./SmolLM2-135M-Instruct.Q4_1-00001-of-00003.gguf", import.meta.url),
      byteLength: 34_623_040,
      sha256: "c7ea4cfd6ff00013b832da57bc4d25a02ca5fab51bd7ed4cda3f823182f3e2fd",
    },
    {
      name: "SmolLM2-135M-Instruct.Q4_1-00002-of-00003.gguf",
      location: new URL("./SmolLM2-135M-Instruct.Q4_1-00002-of-00003.gguf", import.meta.url),
      byteLength: 34_918_848,
      sha256: "86da67d83def18eb05a56b67e730671cb33f6049e000e71d9066d961f5cc099d",
    },
    {
      name: "SmolLM2-135M-Instruct.Q4_1-00003-of-00003.gguf",
      location: new URL("./SmolLM2-135M-Instruct.Q4_1-00003-of-00003.gguf", import.meta.url),
      byteLength: 28_820_864,
      sha256: "791fd864f53f7ff285759826b89e5dfe6ed5863fb47494d3fd9406fc95335544",
    },
  ],
  // With the template's own system message this file's most likely answer to a plain question is broken French (as
  // transformers computes it too); asked for plain English it is a sentence. 0.2 is what the model's authors sample
  // with. Measured on the CPU backend: the capitals of France and Japan and the author of Hamlet for 80 of 80 seeds.
  defaults: {
    system: "You are a helpful AI assistant. Answer each question in plain English sentences.",
    generation: { temperature: 0.2, repetitionPenalty: 1.05 },
  },
};

export default model;
