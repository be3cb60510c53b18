/** Loading weights: what arrives, in which order, and that nothing stays allocated when it fails. */
import { quantize } from "@millet/core/quant";
import { type HostTensor, tensorOf, type WeightSources } from "@millet/core/tensor";
import { expect, test, vi } from "vitest";
import type { Device } from "../../src/device/device.js";
import { readBuffer } from "../../src/device/read-buffer.js";
import { loadWeights } from "../../src/weights/load.js";
import { planWeights } from "../../src/weights/plan.js";
import { describeOnDevice } from "../support/device.js";
import { randomFloats } from "../support/linear-case.js";
import { graphOf, sourcesOf } from "../support/run-on-slots.js";

const tensors: Record<string, HostTensor> = {
  norm: tensorOf("f32", [64], randomFloats(64, 1)),
  table: { spec: { dtype: "q8_0", shape: [9, 64] }, data: quantize("q8_0", randomFloats(9 * 64, 2)) },
  plain: tensorOf("f32", [5, 8], randomFloats(40, 3)),
};

/** Counts buffers that are there: created and not destroyed. */
function countBuffers({ gpu }: Device): () => number {
  const living = new Set<GPUBuffer>();
  const create = gpu.createBuffer.bind(gpu);
  vi.spyOn(gpu, "createBuffer").mockImplementation((descriptor) => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    living.add(buffer);
    buffer.destroy = () => {
      living.delete(buffer);
      return destroy();
    };
    return buffer;
  });
  return () => living.size;
}

describeOnDevice("weights", (device) => {
  const plan = planWeights(
    { graph: graphOf(tensors) },
    { maxBufferSize: 1e6, maxStorageBufferBindingSize: 1e6 },
  );

  /** What fails, and how many buffers it leaves. */
  async function failure(sources: WeightSources, signal?: AbortSignal, chosen = plan): Promise<unknown> {
    const count = countBuffers(device());
    try {
      const error = await loadWeights(device(), chosen, sources, signal && { signal }).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(count()).toBe(0);
      return error;
    } finally {
      vi.restoreAllMocks();
    }
  }

  test("arrive as planned, read in the order of the file, with progress", async () => {
    const order: string[] = [];
    const sources = new Map(
      [...sourcesOf(tensors)].reverse().map(([name, source]) => [
        name,
        {
          spec: source.spec,
          readInto: (offset: number, target: Uint8Array) => {
            order.push(name);
            return source.readInto(offset, target);
          },
        },
      ]),
    );
    const progress: number[] = [];
    const onProgress = ({ loadedBytes, totalBytes }: { loadedBytes: number; totalBytes: number }) =>
      progress.push(loadedBytes / totalBytes);
    const [page] = await loadWeights(device(), plan, sources, { onProgress });
    expect(order).toEqual(["plain", "table", "norm"]);
    expect(progress).toEqual([160 / 1028, 772 / 1028, 1]);

    const at = (name: string) => plan.places.get(name)!.parts[0]!;
    const norm = await readBuffer(device(), page!, at("norm").offset, 256);
    expect(norm).toEqual(new Uint8Array(tensors.norm!.data));
    const plain = await readBuffer(device(), page!, at("plain").offset, 8 * 4 * 8);
    expect(plain).toEqual(Uint8Array.of(...tensors.plain!.data, ...new Uint8Array(96))); // a group filled up
    page!.destroy();
  });

  test("that are missing, of another shape, or cannot be read fail as such", async () => {
    const sources = sourcesOf(tensors);
    const without = new Map([...sources].filter(([name]) => name !== "table"));
    expect(await failure(without)).toMatchObject({ code: "MODEL_TENSOR_MISSING" });
    const other = new Map(sources).set("table", { ...sources.get("norm")! });
    expect(await failure(other)).toMatchObject({ code: "MODEL_TENSOR_SHAPE" });
    const broken = new Map(sources).set("table", {
      spec: tensors.table!.spec,
      readInto: () => Promise.reject(new Error("unplugged")),
    });
    expect(await failure(broken)).toMatchObject({ message: "unplugged" });
  });

  test("stop when the signal fires", async () => {
    const controller = new AbortController();
    const sources = new Map(sourcesOf(tensors)).set("table", {
      spec: tensors.table!.spec,
      readInto: async () => controller.abort(),
    });
    expect(await failure(sources, controller.signal)).toMatchObject({ code: "ABORTED" });
  });

  test("that do not fit into the GPU's memory fail before anything is read", async () => {
    const tooMuch = { ...plan, pages: [4096, 2 ** 40], byteLength: 2 ** 40 + 4096 };
    const gpu = device().gpu;
    const create = gpu.createBuffer.bind(gpu);
    const read = vi.fn();
    const sources = new Map(
      [...sourcesOf(tensors)].map(([name, { spec }]) => [name, { spec, readInto: read }]),
    );
    // No driver here runs out of memory before it refuses the size, so the report is made up, its way is not.
    class GPUOutOfMemoryError {
      readonly message = "no memory";
    }
    const pop = gpu.popErrorScope.bind(gpu);
    let refused = false;
    vi.spyOn(gpu, "createBuffer").mockImplementation((descriptor) => {
      refused ||= descriptor.size > 2 ** 39;
      return create({ ...descriptor, size: Math.min(descriptor.size, 4096) });
    });
    vi.spyOn(gpu, "popErrorScope").mockImplementation(async () => {
      const error = await pop();
      return refused ? new GPUOutOfMemoryError() : error;
    });
    try {
      await expect(loadWeights(device(), tooMuch, sources)).rejects.toMatchObject({
        code: "OUT_OF_MEMORY",
        message: expect.stringMatching(
          /^The weights take 1099512 MB .* room for 1 MB before 1099512 MB more/,
        ),
        details: { neededBytes: tooMuch.byteLength, heldBytes: 4096 },
      });
    } finally {
      vi.restoreAllMocks();
    }
    expect(read).not.toHaveBeenCalled();
  });
});
