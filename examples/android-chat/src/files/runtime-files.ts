/** Shards of the model as ONNX files, and what was measured of them, for nnapi(): ONNX Runtime opens them by address. */
import type { PlainFiles } from "./plain-files";

export interface RuntimeFiles {
  path(name: string): string;
  size(name: string): Promise<number | undefined>;
  readText(name: string): Promise<string>;
  write(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  remove(name: string): Promise<void>;
}

export function runtimeFiles(files: PlainFiles): RuntimeFiles {
  return {
    path: (name) => files.address(name),
    size: async (name) => files.size(name),
    readText: async (name) => new TextDecoder().decode(files.read(name, 0, files.size(name) ?? 0)),
    async write(name, pieces) {
      const writer = files.create(name);
      try {
        for await (const piece of pieces) writer.write(piece);
      } finally {
        writer.close();
      }
    },
    remove: async (name) => files.remove(name),
  };
}
