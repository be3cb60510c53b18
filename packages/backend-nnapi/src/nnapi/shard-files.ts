/**
 * The accelerator's part of a model as files, made once and found again by later loads. Each is put on a list once it is
 * whole: files that are not on it, have another size or were made in another way are made anew.
 */
import { MilletError } from "@millet/core/errors";
import type { OnnxFile } from "../onnx/write.js";
import { type RuntimeFiles, readJson, writeJson } from "../runtime/files.js";

export class ShardFiles {
  readonly #files: RuntimeFiles;
  readonly #model: string;
  readonly #key: string;
  /** Sizes of files that are whole, by name. */
  readonly #found: ReadonlyMap<string, number>;
  readonly #used = new Map<string, number>();

  private constructor(files: RuntimeFiles, model: string, key: string, found: ReadonlyMap<string, number>) {
    this.#files = files;
    this.#model = model;
    this.#key = key;
    this.#found = found;
  }

  /**
   * @param model names the model's files
   * @param key says how they are made; files of another way are removed, for they are as large as the model
   */
  static async open(files: RuntimeFiles, model: string, key: string): Promise<ShardFiles> {
    const list = await readJson(files, listName(model));
    const known = isList(list) ? list : { key: "", sizes: {} };
    const isCurrent = known.key === key;
    if (!isCurrent) await removeAll(files, model, Object.keys(known.sizes));
    return new ShardFiles(files, model, key, new Map(isCurrent ? Object.entries(known.sizes) : []));
  }

  /** The path of the next shard, which is written if need be. @throws MilletError STORE_*; SOURCE_* from the weights */
  async add(shard: OnnxFile): Promise<string> {
    const name = `${baseName(this.#model)}-${this.#used.size}.onnx`;
    const isThere = this.#found.get(name) === shard.byteLength;
    const isWhole = isThere && (await this.#files.size(name)) === shard.byteLength;
    this.#used.set(name, shard.byteLength);
    if (!isWhole) await this.#write(name, shard);
    return this.#files.path(name);
  }

  /** Of all that were added. */
  get byteLength(): number {
    return [...this.#used.values()].reduce((sum, size) => sum + size, 0);
  }

  async #write(name: string, shard: OnnxFile): Promise<void> {
    try {
      await this.#files.write(name, shard.chunks());
      const size = await this.#files.size(name);
      if (size !== shard.byteLength)
        throw new MilletError(
          "STORE_FAILED",
          `${name} has ${size} bytes after ${shard.byteLength} were written.`,
        );
      const sizes = Object.fromEntries([...this.#found, ...this.#used]);
      await writeJson(this.#files, listName(this.#model), { key: this.#key, sizes });
    } catch (error) {
      await this.#files.remove(name).catch(() => undefined); // what failed first is what counts
      throw error;
    }
  }
}

async function removeAll(files: RuntimeFiles, model: string, names: readonly string[]): Promise<void> {
  await files.remove(listName(model));
  const own = names.filter((name) => name.startsWith(`${baseName(model)}-`) && !name.includes("/"));
  for (const name of own) await files.remove(name);
}

const baseName = (model: string) => `millet-nnapi-${model}`;
const listName = (model: string) => `${baseName(model)}.json`;

interface ShardList {
  readonly key: string;
  readonly sizes: Readonly<Record<string, number>>;
}

function isList(value: unknown): value is ShardList {
  return (
    typeof value === "object" &&
    value !== null &&
    "key" in value &&
    typeof value.key === "string" &&
    "sizes" in value &&
    typeof value.sizes === "object" &&
    value.sizes !== null &&
    Object.values(value.sizes).every((size) => typeof size === "number")
  );
}
