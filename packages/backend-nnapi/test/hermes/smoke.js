/** Runs in Hermes, as a script: loads a model from bytes on the reference backend, generates, and prints what came. */

import { checkNnapi } from "@millet/backend-nnapi";
import { onnxRuntime } from "@millet/backend-nnapi/onnx";
import { isMilletError, loadModel, reference } from "@millet/core";
import { createStore } from "@millet/core/store";

/** Files that bundle.ts puts in front of this script, as digits: Hermes has no other decoder, and lists of numbers are slow. */
function bytesOf(name) {
  const digits = globalThis.smokeFiles[name];
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** A store in memory, for the part of core that keeps downloads. */
function memoryFiles() {
  const pieces = new Map();
  const key = (folder, name) => `${folder} ${name}`;
  return {
    location: "memory",
    async read(folder, name) {
      const bytes = pieces.get(key(folder, name));
      return (
        bytes && {
          size: bytes.length,
          text: async () => String.fromCharCode(...bytes),
          slice: (a, b) => ({ arrayBuffer: async () => bytes.slice(a, b).buffer }),
        }
      );
    },
    async write(folder, name, content) {
      pieces.set(
        key(folder, name),
        typeof content === "string" ? new TextEncoder().encode(content) : content.slice(),
      );
    },
    async remove(folder, name) {
      pieces.delete(key(folder, name));
    },
    removeFolder: async () => undefined,
    list: async (folder) =>
      [...pieces.keys()].flatMap((it) => (it.startsWith(`${folder} `) ? [it.slice(folder.length + 1)] : [])),
    listFolders: async () => [],
    availableBytes: async () => undefined,
  };
}

async function run() {
  const loaded = await loadModel(bytesOf("model"), { backend: reference() });
  const chat = loaded.createChat({ generation: { temperature: 0, maxTokens: 12 } });
  let text = "";
  for await (const piece of chat.send("Grüße 😀")) text += piece;
  const { tokenIds } = await loaded.generate([1, 2, 3], { temperature: 0, maxTokens: 8 }).result;
  const stop = new AbortController();
  const endless = loaded.generate([1, 2, 3], {
    maxTokens: 100,
    ignoreEndOfGeneration: true,
    signal: stop.signal,
  });
  let pieces = 0;
  for await (const _ of endless.chunks()) if (++pieces === 3) stop.abort();
  const { finishReason } = await endless.result;
  const decoded = loaded.tokenizer.decode(loaded.tokenizer.encode("Grüße 😀, 日本"));
  await loaded.dispose();
  const place = await createStore({ files: memoryFiles() }).place();
  const { partitions } = checkNnapi(bytesOf("layer"));
  let failure = "";
  try {
    await onnxRuntime({ ort: {} }).create();
  } catch (error) {
    failure = isMilletError(error) ? error.code : String(error);
  }
  return { text, tokenIds, finishReason, decoded, kind: place.kind, partitions: partitions.length, failure };
}

run().then(
  (result) => print(JSON.stringify(result)),
  (error) => print(`failed: ${error?.stack ?? error}`),
);
