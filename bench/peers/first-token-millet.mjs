// A cold start of Millet: see first-token.mjs.
import { cpu } from "@millet/backend-cpu";
import { loadModel } from "@millet/core";
import { answerFirstToken, CONTEXT_TOKENS, PROMPT, parseStart } from "./first-token.mjs";

const start = parseStart();
const { threads, engine, packed = false } = start;
const model = await loadModel(start.path, {
  backend: cpu({ threads, engine, packedFiles: packed }),
  contextLength: CONTEXT_TOKENS,
  maxSequences: 1,
});
for await (const _ of model.generate(PROMPT, { temperature: 0, maxTokens: 1 })) break;
answerFirstToken(start, { packedFile: model.backend.packedFile?.state });
await model.dispose();
