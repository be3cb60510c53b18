/** A chat in the terminal, with the SDK alone. Ctrl-D leaves. */
import { createInterface } from "node:readline/promises";
import { cpu } from "@millet/backend-cpu";
import { loadModel } from "@millet/core";
import smollm2 from "@millet/model-smollm2-135m-instruct";

const model = await loadModel(smollm2, { backend: cpu() });
const chat = model.createChat();
const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });

terminal.prompt();
for await (const line of terminal) {
  for await (const text of chat.send(line)) process.stdout.write(text);
  process.stdout.write("\n");
  terminal.prompt();
}
await model.dispose();
