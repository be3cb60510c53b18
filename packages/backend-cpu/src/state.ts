/** A KV cache in the engine's memory: a table of blocks that programs read, and moves of rows. */
import type { KvPlan, KvSnapshot, State } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import { Opcode } from "../assembly/opcodes.js";
import type { Engine, MemoryWrite } from "./engine/engine.js";
import type { KvMemory } from "./kv-memory.js";
import { kvGroupBytes, kvGroups, kvTable, kvTableBytes, kvType } from "./lower/kv-layout.js";
import { AUXILIARY_BYTES, type ModelPlan } from "./model-plan.js";
import { encodeProgram, units } from "./program/program.js";

export class CpuState implements State {
  readonly plan: KvPlan;
  readonly #engine: Engine;
  readonly #memory: KvMemory;
  readonly #model: ModelPlan;
  /** Byte address of the table of blocks; known once a block is reserved. */
  #table = 0;
  /** Addresses of groups of blocks. */
  #groups: number[] = [];
  #blocks = 0;
  #disposed = false;

  constructor(plan: KvPlan, engine: Engine, memory: KvMemory, model: ModelPlan) {
    this.plan = plan;
    this.#engine = engine;
    this.#memory = memory;
    this.#model = model;
  }

  /** Rows that exist. */
  get rows(): number {
    return this.#blocks * this.plan.blockRows;
  }

  /** The word, in units, that programs find the table by. @throws MilletError DISPOSED */
  get tableWord(): number {
    if (this.#disposed) throw new MilletError("DISPOSED", "The KV cache was disposed; create another.");
    return units(this.#table);
  }

  async reserve(blocks: number): Promise<void> {
    if (blocks <= this.#blocks) return;
    if (blocks > this.plan.maxBlocks) {
      throw new MilletError(
        "OUT_OF_MEMORY",
        `The KV cache is planned for ${this.plan.maxBlocks} blocks of ${this.plan.blockRows} rows, not ${blocks}. ` +
          "Load the model with a longer context.",
        { details: { neededBlocks: blocks, availableBlocks: this.plan.maxBlocks } },
      );
    }
    if (this.#table === 0) [this.#table = 0] = await this.#memory.allocate(kvTableBytes(this.plan), 1);
    const missing = kvGroups(blocks) - this.#groups.length;
    this.#groups.push(...(await this.#memory.allocate(kvGroupBytes(this.plan), missing)));
    const words = kvTable(this.plan, this.#groups, blocks);
    await this.#engine.call({ writes: [{ address: this.#table, data: new Uint8Array(words.buffer) }] });
    this.#blocks = Math.max(blocks, this.#blocks);
  }

  async copy(fromRow: number, toRow: number, count: number): Promise<void> {
    this.#check(fromRow, count);
    this.#check(toRow, count);
    await this.#run(Opcode.KvCopy, fromRow, toRow, count);
  }

  async read(firstRow: number, count: number): Promise<KvSnapshot> {
    this.#check(firstRow, count);
    const snapshot = this.#emptySnapshot(count);
    for (let row = 0; row < count; row += this.#rowsPerMove) {
      const rows = Math.min(this.#rowsPerMove, count - row);
      const reads = [{ address: this.#model.work.address, byteLength: rows * this.#rowBytes }];
      const [bytes] = await this.#run(Opcode.KvRead, firstRow + row, 0, rows, [], reads);
      this.#move(snapshot, row, rows, bytes!, "to snapshot");
    }
    return snapshot;
  }

  async write(firstRow: number, snapshot: KvSnapshot): Promise<void> {
    this.#check(firstRow, snapshot.rows);
    for (let row = 0; row < snapshot.rows; row += this.#rowsPerMove) {
      const rows = Math.min(this.#rowsPerMove, snapshot.rows - row);
      const data = new Uint8Array(rows * this.#rowBytes);
      this.#move(snapshot, row, rows, data, "to bytes");
      await this.#run(Opcode.KvStore, firstRow + row, 0, rows, [{ address: this.#model.work.address, data }]);
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#memory.release(kvGroupBytes(this.plan), this.#groups);
    if (this.#table !== 0) this.#memory.release(kvTableBytes(this.plan), [this.#table]);
    this.#groups = [];
    this.#blocks = 0;
  }

  /** Bytes of a row in canonical order, with its position. */
  get #rowBytes(): number {
    const { layers, kvHeads, headDim, valueDim } = this.plan;
    return 4 + 4 * layers * kvHeads * (headDim + valueDim);
  }

  get #rowsPerMove(): number {
    return Math.max(1, Math.floor((this.#model.work.byteLength - AUXILIARY_BYTES) / this.#rowBytes));
  }

  #check(firstRow: number, count: number): void {
    if (firstRow >= 0 && count >= 0 && firstRow + count <= this.rows) return;
    const wanted = `${firstRow} to ${firstRow + count}`;
    throw new MilletError("INVALID_ARGUMENT", `Rows ${wanted} of the KV cache: ${this.rows} are reserved.`);
  }

  #emptySnapshot(rows: number): KvSnapshot {
    const { layers, kvHeads, headDim, valueDim } = this.plan;
    return {
      rows,
      positions: new Int32Array(rows),
      keys: new Float32Array(layers * rows * kvHeads * headDim),
      values: new Float32Array(layers * rows * kvHeads * valueDim),
    };
  }

  /** Runs one step on rows; the pointer to the table stands behind the program. */
  #run(
    opcode: Opcode,
    fromRow: number,
    toRow: number,
    count: number,
    writes: readonly MemoryWrite[] = [],
    reads: readonly { address: number; byteLength: number }[] = [],
  ): Promise<readonly Uint8Array[]> {
    const { layers, kvHeads, headDim, valueDim } = this.plan;
    const program = this.#model.work.address + this.#model.work.byteLength - AUXILIARY_BYTES;
    const pointer = program + AUXILIARY_BYTES - 16;
    const operands = [
      ...[units(pointer), fromRow, toRow, count, layers, kvHeads, headDim, valueDim],
      ...[units(this.#model.work.address), kvType(this.plan)],
    ];
    const { words } = encodeProgram("kv", [{ opcode, label: "", operands, accesses: [] }]);
    return this.#engine.call({
      writes: [
        ...writes,
        { address: program, data: new Uint8Array(words.buffer) },
        { address: pointer, data: new Uint8Array(Uint32Array.of(this.tableWord).buffer) },
      ],
      program,
      reads,
    });
  }

  /** Between a snapshot's rows from `first` on and the bytes of a move. */
  #move(
    snapshot: KvSnapshot,
    first: number,
    rows: number,
    bytes: Uint8Array,
    direction: "to snapshot" | "to bytes",
  ): void {
    const { layers, kvHeads, headDim, valueDim } = this.plan;
    const keys = kvHeads * headDim;
    const values = kvHeads * valueDim;
    const positions = new Int32Array(bytes.buffer, bytes.byteOffset, rows);
    const floats = new Float32Array(bytes.buffer, bytes.byteOffset + 4 * rows);
    const copy = <A extends Int32Array | Float32Array>(whole: A, part: A) =>
      direction === "to snapshot" ? whole.set(part) : part.set(whole);
    copy(snapshot.positions.subarray(first, first + rows), positions);
    for (let layer = 0; layer < layers; layer++) {
      const row = layer * snapshot.rows + first;
      const at = layer * rows;
      copy(
        snapshot.keys.subarray(row * keys, (row + rows) * keys),
        floats.subarray(at * keys, (at + rows) * keys),
      );
      const part = floats.subarray(
        layers * rows * keys + at * values,
        layers * rows * keys + (at + rows) * values,
      );
      copy(snapshot.values.subarray(row * values, (row + rows) * values), part);
    }
  }
}
