/**
 * Packed weights in a file, so that the next load need not read and pack the model. The file is trusted if its key is the
 * model's and every block has its checksum; otherwise the model is read, and the file written anew. Nothing that goes
 * wrong with it fails a load: `report` tells.
 */
import type { FileHandle } from "node:fs/promises";
import type { LoadOptions, PackedFileReport } from "@millet/core/backend";
import { isMilletError } from "@millet/core/errors";
import type { WeightSources } from "@millet/core/tensor";
import type { Engine } from "../engine/engine.js";
import { aligned } from "../lower/region.js";
import { AUXILIARY_BYTES, type ModelPlan } from "../model-plan.js";
import { checksums, sameBytes } from "./checksums.js";
import { blockBytesOf, decodeHeader, encodeHeader, HEADER_BYTES, type PackedHeader } from "./header.js";
import { type PackedIdentity, packedIdentity } from "./identity.js";
import { type NodeParts, nodeParts } from "./node.js";
import { placesOf } from "./places.js";
import { writeWhole } from "./save.js";
import { clearPieces, drain, type Range, readPieces, writePieces } from "./transfer.js";

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
    this.#places = this.#identity && node ? placesOf(this.#identity, option, node) : [];
  }

  get report(): PackedFileReport {
    return { state: this.#state, path: this.#path, problems: [...this.#problems] };
  }

  /**
   * Puts the packed weights in place if a sound file is there; otherwise memory is as it was.
   * @throws MilletError ABORTED, BACKEND_LOST
   */
  async restore(engine: Engine, { signal, onProgress }: LoadOptions): Promise<boolean> {
    const totalBytes = this.#plan.packed.byteLength;
    for (const place of this.#places) {
      const file = await this.#open(place);
      if (!file) continue;
      try {
        const header = await this.#header(file, place);
        if (!header) continue;
        onProgress?.({ loadedBytes: 0, totalBytes });
        if (!(await this.#take(engine, file, header, place, signal))) continue;
        onProgress?.({ loadedBytes: totalBytes, totalBytes });
        this.#state = "used";
        this.#path = place;
        return true;
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
      const bytes = new Uint8Array(HEADER_BYTES);
      const { bytesRead } = await file.read(bytes, 0, HEADER_BYTES, 0);
      const header = decodeHeader(bytes.subarray(0, bytesRead), this.#node!.sha256);
      if (typeof header === "string") return void this.#complain(place, `was not used: ${header}`);
      const { size } = await file.stat();
      if (header.key !== this.#identity!.key) {
        return void this.#complain(
          place,
          "was not used: it was made from another state of the model or of Millet",
        );
      }
      const wanted = HEADER_BYTES + this.#plan.packed.byteLength;
      if (size !== wanted)
        return void this.#complain(place, `was not used: it has ${size} bytes instead of ${wanted}`);
      return header;
    } catch (error) {
      return void this.#complain(place, "cannot be read", error);
    }
  }

  /** Maps or reads the weights, and holds them against their checksums. */
  async #take(
    engine: Engine,
    file: FileHandle,
    { blockBytes, sums }: PackedHeader,
    place: string,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { packed } = this.#plan;
    const mapped = engine.map?.(file.fd, packed.address, packed.byteLength) ?? false;
    try {
      if (!mapped) await readPieces(file, engine, packed, signal);
      const fresh = freshMemory(this.#plan, sums.byteLength);
      if (sameBytes(await checksums(engine, this.#plan, blockBytes, signal, fresh), sums)) return true;
      this.#complain(place, "was not used: its bytes are damaged");
    } catch (error) {
      this.#complain(place, "cannot be read", error);
    }
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

/**
 * What the first call will write to and nothing has yet: the work space behind the checksums. Pages that nobody has
 * touched cost more than what is computed on them.
 */
function freshMemory({ work }: ModelPlan, sumBytes: number): Range {
  const address = aligned(work.address + sumBytes);
  const end = work.address + work.byteLength - AUXILIARY_BYTES;
  return { address, byteLength: Math.floor((end - address) / 32) * 32 };
}
