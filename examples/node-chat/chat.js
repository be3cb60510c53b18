/** A chat in the terminal, with the SDK alone. Ctrl-D leaves. */
import { createInterface } from "node:readline/promises";
import { cpu } from "@millet/backend-cpu";
import { loadModel } from "@millet/core";
import { model as smollm2 } from "@millet/model-smollm2-135m-instruct";

const model = await loadModel(process.argv[2] ?? smollm2, { backend: cpu() });
const chat = model.createChat({ system: "You are a helpful assistant." });
const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });

terminal.prompt();
for await (const line of terminal) {
  for await (const text of chat.send(line)) process.stdout.write(text);
  process.stdout.write("\n");
  terminal.prompt();
}
await model.dispose();
