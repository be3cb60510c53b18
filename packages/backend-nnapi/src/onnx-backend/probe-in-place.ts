/**
 * Whether a runtime has GroupQueryAttention as this package uses it: a small model of one head is run once. onnxruntime-web
 * has a memory of its own, so that nothing is updated in place there; before 1.23 windows were one token longer.
 */
import { OnnxBuilder } from "../emit/builder.js";
import type { OnnxModel } from "../onnx/model.js";
import type { OrtLike, OrtSession, OrtTensor } from "../runtime/ort.js";

const SIZE = 8;
const CAPACITY = 4;
const SHAPE = [1, 1, CAPACITY, SIZE];

/** @returns undefined, or why not: a full sentence */
export async function whyNotInPlace(
  { Tensor }: OrtLike,
  open: (model: OnnxModel) => Promise<OrtSession>,
): Promise<string | undefined> {
  const because = (reason: string) => `The KV cache is copied in every step: ${reason}.`;
  try {
    const session = await open(probeModel());
    const filled = (count: number, value: number, dims: readonly number[]) =>
      new Tensor("float32", new Float32Array(count).fill(value), dims);
    const [keys, values] = [filled(CAPACITY * SIZE, 0, SHAPE), filled(CAPACITY * SIZE, 5, SHAPE)];
    const row = (value: number) => filled(SIZE, value, [1, 1, SIZE]);
    const int = (value: number) => new Tensor("int32", Int32Array.of(value), [1]);
    const feeds = { q: row(1), k: row(2), v: row(3), keys, values, last: int(1), total: int(2) };
    const results = await session
      .run(feeds, { mixed: null, presentKeys: keys, presentValues: values })
      .finally(() => session.release());
    if (!holds(keys, 0, 2) || !holds(values, 5, 3))
      return because("this runtime does not update tensors in place");
    const mixed = results.mixed?.data;
    const sees = mixed instanceof Float32Array && mixed.every((value) => Math.abs(value - 3) < 1e-3);
    return sees ? undefined : because("this runtime's windows are not those of ONNX Runtime 1.23 and later");
  } catch (error) {
    return because(
      `this runtime cannot run GroupQueryAttention (${error instanceof Error ? error.message : error})`,
    );
  }
}

/** Row 1 is the new one, the others are as they were. */
function holds({ data }: OrtTensor, before: number, fresh: number): boolean {
  const isNew = (i: number) => Math.floor(i / SIZE) === 1;
  return data instanceof Float32Array && data.every((value, i) => value === (isNew(i) ? fresh : before));
}

/** Attention of the last token to itself alone. */
function probeModel(): OnnxModel {
  const builder = new OnnxBuilder("probe");
  for (const name of ["q", "k", "v"]) builder.input(name, "float32", [1, 1, SIZE]);
  for (const name of ["keys", "values"]) builder.input(name, "float32", SHAPE);
  for (const name of ["last", "total"]) builder.input(name, "int32", [1]);
  const mixed = builder.directOutput("mixed", [1, 1, SIZE]);
  const present = ["presentKeys", "presentValues"].map((name) => builder.directOutput(name, SHAPE));
  const inputs = ["q", "k", "v", "keys", "values", "last", "total"];
  builder.named("GroupQueryAttention", inputs, [mixed, ...present], {
    domain: "com.microsoft",
    attributes: { num_heads: 1, kv_num_heads: 1, local_window_size: 1 },
  });
  return builder.finish();
}
