// A cold start of node-llama-cpp: see first-token.mjs.
import { getLlama } from "node-llama-cpp";
import { answerFirstToken, CONTEXT_TOKENS, PROMPT, parseStart } from "./first-token.mjs";

const start = parseStart();
const { threads } = start;
const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
const model = await llama.loadModel({ modelPath: start.path });
const context = await model.createContext({
  contextSize: CONTEXT_TOKENS,
  threads: { ideal: threads, min: threads },
});
const sequence = context.getSequence();
for await (const _ of sequence.evaluate(model.tokenize(PROMPT), { temperature: 0, yieldEogToken: true }))
  break;
answerFirstToken(start);
await model.dispose();
