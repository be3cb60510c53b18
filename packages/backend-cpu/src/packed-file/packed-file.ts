/**
 * Packed weights in a file, so that the next load need not read and pack the model. The file is trusted if its key is the
 * model's and every block has its checksum; otherwise the model is read, and the file written anew. Nothing that goes
 * wrong with it fails a load: `report` tells.
 */
import type { FileHandle } from "node:fs/promises";
import type { LoadOptions, PackedFileReport } from "@millet/core/backend";
import { isMilletError, throwIfAborted } from "@millet/core/errors";
import type { WeightSources } from "@millet/core/tensor";
import type { Engine } from "../engine/engine.js";
import type { ModelPlan } from "../model-plan.js";
import { checksums, sameBytes } from "./checksums.js";
import type { EarlyStart } from "./early.js";
import { blockBytesOf, encodeHeader, HEADER_BYTES, type PackedHeader, readHeader } from "./header.js";
import { type PackedIdentity, packedIdentity } from "./identity.js";
import { type NodeParts, nodeParts } from "./node.js";
import { placesOf } from "./places.js";
import { writeWhole } from "./save.js";
import { clearPieces, drain, readPieces, writePieces } from "./transfer.js";

export class PackedFile {
  readonly #node: NodeParts | null;
  readonly #plan: ModelPlan;
  readonly #identity: PackedIdentity | undefined;
  readonly #places: readonly string[];
  readonly #problems: string[] = [];
  #state: PackedFileReport["state"] = "none";
  #path: string | undefined;

  /** @param option where: see CpuOptions.packedFiles @param node the system; null where there are no files */
  constructor(
    option: true | string,
    plan: ModelPlan,
    weights: WeightSources,
    node: NodeParts | null = nodeParts(),
  ) {
    this.#node = node;
    this.#plan = plan;
    const identity = node
      ? packedIdentity(plan, weights, node.sha256)
      : "there are no files here: only Node keeps packed weights so far";
    if (typeof identity === "string") this.#problems.push(`Packed weights are not kept: ${identity}.`);
    else this.#identity = identity;
    this.#places = this.#identity && node ? placesOf(this.#identity.file, option, node) : [];
  }

  get report(): PackedFileReport {
    return { state: this.#state, path: this.#path, problems: [...this.#problems] };
  }

  /** Whether that start holds this model's weights, if they are sound. */
  hasBegun({ place, header }: EarlyStart): boolean {
    return this.#places.includes(place) && header.key === this.#identity?.key;
  }

  /**
   * Puts the packed weights in place if a sound file is there; otherwise memory is as it was.
   * @param early what has begun with `engine`; see {@link hasBegun}
   * @throws MilletError ABORTED, BACKEND_LOST
   */
  async restore(engine: Engine, { signal, onProgress }: LoadOptions, early?: EarlyStart): Promise<boolean> {
    const totalBytes = this.#plan.packed.byteLength;
    if (early) {
      onProgress?.({ loadedBytes: 0, totalBytes });
      if (!(await this.#isSound(early.place, early.sums, early.header))) return this.#clear(engine, true);
      throwIfAborted(signal, "Reading packed weights");
      return this.#used(early.place, onProgress);
    }
    for (const place of this.#places) {
      const file = await this.#open(place);
      if (!file) continue;
      try {
        const header = await this.#header(file, place);
        if (!header) continue;
        onProgress?.({ loadedBytes: 0, totalBytes });
        if (await this.#take(engine, file, header, place, signal)) return this.#used(place, onProgress);
      } finally {
        await file.close();
      }
    }
    return false;
  }

  /**
   * Writes the packed weights that the engine holds to the first place that takes them.
   * @throws MilletError ABORTED, BACKEND_LOST
   */
  async save(engine: Engine, { signal }: LoadOptions): Promise<void> {
    if (!this.#node || !this.#identity || this.#places.length === 0) return;
    const { key } = this.#identity;
    const { packed } = this.#plan;
    const blockBytes = blockBytesOf(packed.byteLength);
    const sums = await checksums(engine, this.#plan, blockBytes, signal);
    const header = encodeHeader({ key, byteLength: packed.byteLength, blockBytes, sums }, this.#node.sha256);
    for (const place of this.#places) {
      const write = async (file: FileHandle) => {
        await drain(file, header, 0);
        await writePieces(file, engine, packed, signal);
      };
      try {
        await writeWhole(place, HEADER_BYTES + packed.byteLength, this.#node, write);
        this.#state = "written";
        this.#path = place;
        return;
      } catch (error) {
        this.#complain(place, "could not be written", error);
      }
    }
  }

  async #open(place: string): Promise<FileHandle | undefined> {
    try {
      return await this.#node!.fs.open(place, "r");
    } catch (error) {
      const absent = error instanceof Error && /^(ENOENT|ENOTDIR)/.test(error.message);
      if (!absent) this.#complain(place, "cannot be opened", error);
      return undefined;
    }
  }

  /** The header of a file that fits the model. */
  async #header(file: FileHandle, place: string): Promise<PackedHeader | undefined> {
    try {
      const header = await readHeader(file, this.#node!.sha256);
      if (typeof header === "string") return void this.#complain(place, `was not used: ${header}`);
      if (header.key !== this.#identity!.key) {
        return void this.#complain(
          place,
          "was not used: it was made from another state of the model or of Millet",
        );
      }
      return header;
    } catch (error) {
      return void this.#complain(place, "cannot be read", error);
    }
  }

  /** Maps or reads the weights, and holds them against their checksums. */
  async #take(
    engine: Engine,
    file: FileHandle,
    header: PackedHeader,
    place: string,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { packed } = this.#plan;
    const mapped = engine.map?.(file.fd, packed.address, packed.byteLength) ?? false;
    try {
      if (!mapped) await readPieces(file, engine, packed, signal);
    } catch (error) {
      this.#complain(place, "cannot be read", error);
      return this.#clear(engine, mapped);
    }
    const found = checksums(engine, this.#plan, header.blockBytes, signal);
    return (await this.#isSound(place, found, header)) || this.#clear(engine, mapped);
  }

  async #isSound(place: string, found: Promise<Uint8Array>, { sums }: PackedHeader): Promise<boolean> {
    try {
      if (sameBytes(await found, sums)) return true;
      this.#complain(place, "was not used: its bytes are damaged");
    } catch (error) {
      this.#complain(place, "cannot be read", error);
    }
    return false;
  }

  #used(place: string, onProgress: LoadOptions["onProgress"]): true {
    const totalBytes = this.#plan.packed.byteLength;
    onProgress?.({ loadedBytes: totalBytes, totalBytes });
    this.#state = "used";
    this.#path = place;
    return true;
  }

  /** Memory as it was before anything was put there. */
  async #clear(engine: Engine, mapped: boolean): Promise<false> {
    const { packed } = this.#plan;
    if (mapped) engine.unmap?.(packed.address, packed.byteLength);
    else await clearPieces(engine, packed);
    return false;
  }

  /** Notes what is wrong with a file. @throws the error if it is not the file's but ours */
  #complain(place: string, what: string, error?: unknown): void {
    if (isMilletError(error)) throw error;
    const why = error === undefined ? "" : `: ${error instanceof Error ? error.message : String(error)}`;
    this.#problems.push(`The packed file ${place} ${what}${why}.`);
  }
}
