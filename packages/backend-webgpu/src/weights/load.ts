/**
 * Brings a model's weights to the GPU: all pages are allocated before anything is read, then raw rows go through one
 * staging buffer in file order, and kernels pack them into their pages. JavaScript never holds more than two chunks.
 */
import type { LoadOptions } from "@millet/core/backend";
import { isMilletError, MilletError, throwIfAborted } from "@millet/core/errors";
import {
  byteLength,
  formatSpec,
  rowByteLength,
  sameSpec,
  type WeightSource,
  type WeightSources,
} from "@millet/core/tensor";
import { bindGroupLayout, compileKernel, PARAMS_BYTES } from "../device/compile.js";
import type { Device } from "../device/device.js";
import { withErrorScopes } from "../device/error-scopes.js";
import { BufferUsage } from "../device/flags.js";
import { GROUP_ROWS, planeOffsets } from "../quant/format.js";
import { gpuFormat } from "../quant/index.js";
import { type PackStep, packSteps } from "./pack-kernel.js";
import type { PlacedWeight } from "./placed-weight.js";
import type { WeightPlan } from "./plan.js";

/** Bytes of raw rows that are read at once, unless 4 rows are more. */
const CHUNK_BYTES = 4 * 1024 * 1024;
/** Most planes of a format. */
const MOST_PLANES = 4;

/** Rows of a weight that are read at once. */
interface Piece {
  readonly source: WeightSource;
  readonly name: string;
  readonly page: number;
  /** Of the raw bytes within the tensor. */
  readonly offset: number;
  readonly byteLength: number;
  /** What packs them; without it they go to this byte of the page as they are. */
  readonly target: number;
  readonly steps?: readonly PackStep[];
}

/**
 * @returns the pages of the plan, which the caller destroys
 * @throws MilletError MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE, OUT_OF_MEMORY, SOURCE_*, ABORTED, BACKEND_LOST;
 *   nothing stays allocated then
 */
export async function loadWeights(
  device: Device,
  plan: WeightPlan,
  sources: WeightSources,
  options: LoadOptions = {},
): Promise<GPUBuffer[]> {
  throwIfAborted(options.signal, "Loading the weights");
  const pieces = inFileOrder(plan.places, sources).flatMap((weight) => piecesOf(weight, sources));
  const pages = await allocatePages(device, plan);
  try {
    await fill(device, pages, pieces, options);
    return pages;
  } catch (error) {
    for (const page of pages) page.destroy();
    throw error;
  }
}

/** A remote file read forward arrives as one stream; weights that `sources` lacks come last, to be reported. */
function inFileOrder(weights: WeightPlan["places"], sources: WeightSources): PlacedWeight[] {
  const order = new Map([...sources.keys()].map((name, index) => [name, index]));
  const place = ({ name }: PlacedWeight) => order.get(name) ?? order.size;
  return [...weights.values()].sort((a, b) => place(a) - place(b));
}

function piecesOf(weight: PlacedWeight, sources: WeightSources): Piece[] {
  const { name, spec, parts } = weight;
  const source = sourceOf(weight, sources);
  const [first] = parts;
  if (spec.shape.length !== 2) {
    return [
      { source, name, page: first!.page, offset: 0, byteLength: byteLength(spec), target: first!.offset },
    ];
  }
  const columns = spec.shape[1]!;
  const format = gpuFormat(spec.dtype);
  const rowBytes = rowByteLength(spec);
  const rowsPerPiece = Math.max(1, Math.floor(CHUNK_BYTES / (rowBytes * GROUP_ROWS))) * GROUP_ROWS;
  return parts.flatMap((part) => {
    const planes = planeOffsets(format, part.rows, columns).map((offset) => part.offset + offset);
    const pieces: Piece[] = [];
    for (let row = 0; row < part.rows; row += rowsPerPiece) {
      const rows = Math.min(rowsPerPiece, part.rows - row);
      pieces.push({
        source,
        name,
        page: part.page,
        offset: (part.firstRow + row) * rowBytes,
        byteLength: rows * rowBytes,
        target: 0,
        steps: packSteps(format, columns, planes, row, rows),
      });
    }
    return pieces;
  });
}

function sourceOf({ name, spec }: PlacedWeight, sources: WeightSources): WeightSource {
  const source = sources.get(name);
  if (!source) {
    throw new MilletError("MODEL_TENSOR_MISSING", `The model has no tensor "${name}"; get the file again.`);
  }
  if (!sameSpec(source.spec, spec)) {
    throw new MilletError(
      "MODEL_TENSOR_SHAPE",
      `Tensor "${name}" is ${formatSpec(source.spec)}; the graph takes ${formatSpec(spec)}.`,
    );
  }
  return source;
}

/** One after the other, so that the message can say how far it went. */
async function allocatePages(device: Device, plan: WeightPlan): Promise<GPUBuffer[]> {
  const usage = BufferUsage.Storage | BufferUsage.CopyTarget | BufferUsage.CopySource;
  const pages: GPUBuffer[] = [];
  try {
    for (const [i, size] of plan.pages.entries()) {
      const create = () => device.gpu.createBuffer({ label: `weights ${i}`, size, usage });
      pages.push(await withErrorScopes(device, `Allocating page ${i + 1} of the weights`, create));
    }
    return pages;
  } catch (error) {
    for (const page of pages) page.destroy();
    throw isMilletError(error) && error.code === "OUT_OF_MEMORY"
      ? tooLittle(plan, pages.length, error)
      : error;
  }
}

function tooLittle({ pages, byteLength }: WeightPlan, held: number, cause: unknown): MilletError {
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  const heldBytes = pages.slice(0, held).reduce((sum, size) => sum + size, 0);
  return new MilletError(
    "OUT_OF_MEMORY",
    `The weights take ${megabytes(byteLength)} of GPU memory, and there was room for ${megabytes(heldBytes)} before ` +
      `${megabytes(pages[held]!)} more failed. Close what else uses the GPU, take a smaller model or quantization, ` +
      "or the CPU backend.",
    { cause, details: { neededBytes: byteLength, heldBytes } },
  );
}

async function fill(
  device: Device,
  pages: readonly GPUBuffer[],
  pieces: readonly Piece[],
  { signal, onProgress }: LoadOptions,
): Promise<void> {
  const totalBytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const largest = aligned(Math.max(16, ...pieces.map((piece) => piece.byteLength)));
  const create = () => new PieceWriter(device, pages, largest);
  const writer = await withErrorScopes(device, "Staging the weights", create);
  const buffers = [new Uint8Array(largest), new Uint8Array(largest)];
  const busy: Promise<void>[] = [Promise.resolve(), Promise.resolve()];
  let loadedBytes = 0;
  try {
    for (const [i, piece] of pieces.entries()) {
      throwIfAborted(signal, "Loading the weights");
      await busy[i % 2];
      const bytes = buffers[i % 2]!.subarray(0, aligned(piece.byteLength));
      await piece.source.readInto(piece.offset, bytes.subarray(0, piece.byteLength), signal);
      busy[i % 2] = writer.write(piece, bytes);
      busy[i % 2]?.catch(() => undefined); // reported where it is awaited
      loadedBytes += piece.byteLength;
      onProgress?.({ loadedBytes, totalBytes });
    }
    await Promise.all(busy);
  } finally {
    await Promise.allSettled(busy);
    writer.destroy();
  }
}

/** Writes to buffers come in multiples of 4 bytes (WebGPU, section 19.2). */
function aligned(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

/** Packs pieces through a staging buffer; commands run in order, so that one serves all. */
class PieceWriter {
  readonly #device: Device;
  readonly #pages: readonly GPUBuffer[];
  readonly #staging: GPUBuffer;
  readonly #params: GPUBuffer;

  constructor(device: Device, pages: readonly GPUBuffer[], stagingBytes: number) {
    this.#device = device;
    this.#pages = pages;
    const { gpu } = device;
    const usage = BufferUsage.Storage | BufferUsage.CopyTarget;
    this.#staging = gpu.createBuffer({ label: "staging", size: stagingBytes, usage });
    this.#params = gpu.createBuffer({
      label: "params of packing",
      size: MOST_PLANES * PARAMS_BYTES,
      usage: BufferUsage.Uniform | BufferUsage.CopyTarget,
    });
  }

  /** Resolves when the GPU has done it, so that no more than two pieces wait in its queue. */
  async write(piece: Piece, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { gpu } = this.#device;
    const steps = piece.steps ?? [];
    const pipelines = await Promise.all(steps.map(({ kernel }) => compileKernel(this.#device, kernel)));
    await withErrorScopes(this.#device, `Packing ${piece.name}`, () => {
      if (!piece.steps) {
        gpu.queue.writeBuffer(this.#pages[piece.page]!, piece.target, bytes);
        return;
      }
      gpu.queue.writeBuffer(this.#staging, 0, bytes);
      this.#pack(piece.page, steps, pipelines);
    });
    await gpu.queue.onSubmittedWorkDone();
  }

  #pack(page: number, steps: readonly PackStep[], pipelines: readonly GPUComputePipeline[]): void {
    const { gpu } = this.#device;
    const words = new Uint32Array((MOST_PLANES * PARAMS_BYTES) / 4);
    steps.forEach(({ params }, i) => words.set(params, (i * PARAMS_BYTES) / 4));
    gpu.queue.writeBuffer(this.#params, 0, words);
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const bindGroup = gpu.createBindGroup({
      layout: bindGroupLayout(this.#device, steps[0]!.kernel.access),
      entries: [
        { binding: 0, resource: { buffer: this.#params, size: PARAMS_BYTES } },
        { binding: 1, resource: { buffer: this.#staging } },
        { binding: 2, resource: { buffer: this.#pages[page]! } },
      ],
    });
    steps.forEach(({ grid }, i) => {
      pass.setPipeline(pipelines[i]!);
      pass.setBindGroup(0, bindGroup, [i * PARAMS_BYTES]);
      pass.dispatchWorkgroups(...grid);
    });
    pass.end();
    gpu.queue.submit([encoder.finish()]);
  }

  destroy(): void {
    this.#staging.destroy();
    this.#params.destroy();
  }
}
