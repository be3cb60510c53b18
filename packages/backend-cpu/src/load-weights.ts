/**
 * Streams weights into the engine: raw bytes go to one of two buffers inside its memory, and the engine's own threads
 * pack them while the other buffer fills. Weights never pass through the JavaScript heap as a whole.
 */
import type { LoadOptions } from "@millet/core/backend";
import { MilletError, throwIfAborted } from "@millet/core/errors";
import { byteLength, formatSpec, sameSpec, type WeightSource, type WeightSources } from "@millet/core/tensor";
import type { Opcode } from "../assembly/opcodes.js";
import type { Engine } from "./engine/engine.js";
import { AUXILIARY_BYTES, type ModelPlan, type PlacedWeight } from "./model-plan.js";
import { groupsOf, packedByteLength, packedInfo, rawRowBytes } from "./pack/packed-type.js";
import { encodeProgram, units } from "./program/program.js";

/** A piece of a weight that fits into a buffer. */
interface Piece {
  readonly source: WeightSource;
  readonly offset: number;
  readonly byteLength: number;
  /** Where it goes as it is, or how it is packed. */
  readonly target: number;
  readonly pack?: { readonly opcode: Opcode; readonly rows: number; readonly width: number };
}

/** @throws MilletError MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE, SOURCE_*, ABORTED, BACKEND_LOST */
export async function loadWeights(
  engine: Engine,
  plan: ModelPlan,
  sources: WeightSources,
  { signal, onProgress }: LoadOptions,
): Promise<void> {
  const bufferBytes = Math.floor((plan.work.byteLength - AUXILIARY_BYTES) / 128) * 64;
  const pieces = inFileOrder(plan.weights, sources).flatMap(([name, weight]) =>
    piecesOf(weight, sourceOf(sources, name, weight), bufferBytes),
  );
  const totalBytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  let loadedBytes = 0;
  const busy: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()];
  for (const [i, piece] of pieces.entries()) {
    throwIfAborted(signal, "Loading the weights");
    await busy[i % 2];
    const buffer = plan.work.address + (i % 2) * bufferBytes;
    const data = engine.view(buffer, piece.byteLength) ?? new Uint8Array(piece.byteLength);
    await piece.source.readInto(piece.offset, data, signal);
    busy[i % 2] = place(engine, plan, piece, buffer, data);
    busy[i % 2]?.catch(() => undefined); // reported where it is awaited
    loadedBytes += piece.byteLength;
    onProgress?.({ loadedBytes, totalBytes });
  }
  await Promise.all(busy);
}

/** A remote file read forward arrives as one stream; weights that `sources` lacks come last, to be reported. */
function inFileOrder(weights: ModelPlan["weights"], sources: WeightSources): [string, PlacedWeight][] {
  const order = new Map([...sources.keys()].map((name, index) => [name, index]));
  const place = (name: string) => order.get(name) ?? order.size;
  return [...weights].sort(([a], [b]) => place(a) - place(b));
}

/** Puts a piece from its buffer where it belongs. */
function place(
  engine: Engine,
  plan: ModelPlan,
  piece: Piece,
  buffer: number,
  data: Uint8Array,
): Promise<unknown> {
  const { target, pack } = piece;
  if (!pack) return engine.call({ writes: [{ address: target, data }] });
  const operands = [units(buffer), pack.rows, pack.width, units(target)];
  const { words } = encodeProgram("pack", [{ opcode: pack.opcode, label: "", operands, accesses: [] }]);
  const program = plan.work.address + plan.work.byteLength - AUXILIARY_BYTES;
  const raw = data.buffer instanceof ArrayBuffer ? [{ address: buffer, data }] : []; // shared: it is there already
  return engine.call({ writes: [...raw, { address: program, data: new Uint8Array(words.buffer) }], program });
}

function piecesOf({ value, address }: PlacedWeight, source: WeightSource, bufferBytes: number): Piece[] {
  const { spec } = value;
  if (spec.shape.length !== 2) {
    return [{ source, offset: 0, byteLength: byteLength(spec), target: address }];
  }
  const [rows, width] = [spec.shape[0]!, spec.shape[1]!];
  const rowBytes = rawRowBytes(spec);
  const groupBytes = packedByteLength(spec) / groupsOf(rows);
  const rowsPerPiece = Math.max(8, Math.floor(bufferBytes / (8 * rowBytes)) * 8);
  const opcode = packedInfo(spec).pack;
  const pieces: Piece[] = [];
  for (let row = 0; row < rows; row += rowsPerPiece) {
    const count = Math.min(rowsPerPiece, rows - row);
    pieces.push({
      source,
      offset: row * rowBytes,
      byteLength: count * rowBytes,
      target: address + (row / 8) * groupBytes,
      pack: { opcode, rows: count, width },
    });
  }
  return pieces;
}

function sourceOf(sources: WeightSources, name: string, { value }: PlacedWeight): WeightSource {
  const source = sources.get(name);
  if (!source) {
    throw new MilletError("MODEL_TENSOR_MISSING", `The model has no tensor "${name}"; get the file again.`);
  }
  if (!sameSpec(source.spec, value.spec)) {
    throw new MilletError(
      "MODEL_TENSOR_SHAPE",
      `Tensor "${name}" is ${formatSpec(source.spec)}; the graph takes ${formatSpec(value.spec)}.`,
    );
  }
  return source;
}
