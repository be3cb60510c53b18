/**
 * Small cases of the fused operations that a model's graphs use, with data that is the same every time. What they should
 * give is computed by core's reference; a device that gives anything else is not to be trusted with that kernel.
 */
import { type GraphSet, KV_BLOCK_ROWS, type KvPlan } from "@millet/core/backend";
import { type Graph, GraphBuilder, type Value } from "@millet/core/graph";
import {
  type AttentionAttrs,
  add,
  asOpNode,
  attention,
  embedding,
  geglu,
  linear,
  type OpNode,
  opOf,
  rmsNorm,
  SETTINGS_COLUMNS,
  sample,
  swiglu,
} from "@millet/core/ops";
import { quantize } from "@millet/core/quant";
import {
  DTYPES,
  type DType,
  elementCount,
  type HostTensor,
  tensorOf,
  viewAs,
  type WeightSource,
} from "@millet/core/tensor";
import { type Choices, everySite } from "../kernels/choices.js";
import type { KernelFamily, KernelFeature } from "../kernels/features.js";
import { gpuFormat } from "../quant/index.js";

export interface SelfTestCase {
  readonly family: KernelFamily;
  /** For people and as a key: "linear_row q4_0". */
  readonly name: string;
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, WeightSource>;
  readonly kv: KvPlan;
  /** Kernels other than the default ones. */
  readonly choices?: Choices;
  /** Largest normalised mean squared error, where kernels round more than usual. */
  readonly tolerance?: number;
  /** Calls one after the other on one state. */
  readonly calls: readonly Readonly<Record<string, HostTensor>>[];
}

/** Rows of the cases for few rows and for prompts. */
const FEW = 1;
const MANY = 20;
/** Few rows of attention: as many fewer calls fill two blocks. */
const FEW_ATTENDING = 6;

/**
 * The cases that cover what the graphs use.
 * @param features that kernels may use
 */
export function selfTestCases(
  graphs: GraphSet,
  kv: KvPlan,
  features: ReadonlySet<KernelFeature>,
): SelfTestCase[] {
  const nodes = Object.values(graphs).flatMap((graph) => graph.nodes.map(asOpNode));
  const formats = new Set<DType>();
  const tables = new Set<DType>();
  const attentions = new Map<string, AttentionAttrs>();
  let candidates: number | undefined;
  let gate: Gate | undefined;
  const others = new Map<string, PlainNode>();
  for (const node of nodes) {
    if (node.op === "linear") formats.add(node.inputs[1]!.spec.dtype);
    if (node.op === "embedding") tables.add(node.inputs[0]!.spec.dtype);
    if (node.op === "attention") attentions.set(JSON.stringify({ ...node.attrs, layer: 0 }), node.attrs);
    if (node.op === "geglu" || node.op === "swiglu") gate = node;
    if (isPlain(node)) others.set(JSON.stringify([node.op, node.attrs, node.inputs.length]), node);
    if (node.op === "sample") candidates = node.attrs.candidates;
  }
  return [
    ...[...formats].flatMap((dtype) => [FEW, MANY].map((rows) => linearCase(dtype, rows, gate))),
    ...(features.has("packed-dot") ? [...formats].filter(isInteger).map(dotCase) : []),
    ...(features.has("shader-f16") ? [...formats].map(halfCase) : []),
    ...[...tables].map(embeddingCase),
    ...[...attentions.values()].flatMap((attrs) =>
      [FEW_ATTENDING, MANY].map((most) => attentionCase({ ...attrs, layer: 0 }, kv, most)),
    ),
    ...(others.size === 0 ? [] : [plainCase([...others.values()])]),
    ...(candidates === undefined ? [] : [sampleCase(candidates)]),
  ];
}

/** Weights whose f16 scales are subnormal in most formats, as those of real models often are: some GPUs take them for 0. */
const SMALL = 0.002;

/** Norm, several products, gate and residual with weights of one type. */
function linearCase(dtype: DType, rows: number, gate: Gate | undefined): SelfTestCase {
  const family = rows === FEW ? "linear_row" : "linear_tile";
  const data = new CaseData(`${family} ${dtype}`);
  const [width, features] = [2 * Math.max(DTYPES[dtype].blockElements, 64), 12];
  const x = data.floats("x", [rows, width], "tokens");
  const scale = data.weight("norm", "f32", [width]);
  const matrix = (name: string, magnitude = 1) => data.weight(name, dtype, [features, width], magnitude);
  const h = data.graph.emitOne(rmsNorm, [x, scale], { epsilon: 1e-5 });
  const product = (input: Value, name: string) => data.graph.emitOne(linear, [input, matrix(name)], {});
  const first = data.graph.emitOne(linear, [h, matrix("first", SMALL)], {});
  const operands = [product(h, "gate"), product(h, "up")];
  const gated =
    gate?.op === "geglu"
      ? data.graph.emitOne(geglu, operands, gate.attrs)
      : data.graph.emitOne(swiglu, operands, {});
  const sum = data.graph.emitOne(add, [gated, product(x, "last")], {});
  return { ...data.finish({ first, sum }), family, kv: NO_KV, calls: [data.inputs] };
}

type Gate = Extract<OpNode, { op: "geglu" | "swiglu" }>;

/** Ops that the case of products lacks, and that have one kernel alone. */
type PlainNode = Extract<OpNode, { op: "gelu" | "layer_norm" | "rms_norm" | "scale" | "soft_cap" }>;

function isPlain(node: OpNode): node is PlainNode {
  if (node.op === "rms_norm") return (node.attrs.groups ?? 1) > 1;
  return node.op === "gelu" || node.op === "layer_norm" || node.op === "scale" || node.op === "soft_cap";
}

/** Every op by itself, with the attributes that the model gives it. */
function plainCase(nodes: readonly PlainNode[]): SelfTestCase {
  const data = new CaseData(
    `plain ${nodes.map(({ op, attrs }) => `${op} ${JSON.stringify(attrs)}`).join(" ")}`,
  );
  const outputs = nodes.map((node, i): [string, Value] => {
    if (node.op !== "rms_norm" && node.op !== "layer_norm") {
      const x = data.floats(`x${i}`, [2, 8], "tokens");
      return [`y${i}`, data.graph.emitOne(opOf(node), [x], node.attrs)];
    }
    const { groups = 1 } = node.attrs;
    const x = data.floats(`x${i}`, [2, 48 * groups], "tokens");
    const vectors = node.inputs.slice(1).map((_, k) => data.weight(`w${i}.${k}`, "f32", [48]));
    return [`y${i}`, data.graph.emitOne(opOf(node), [x, ...vectors], node.attrs)];
  });
  return { ...data.finish(Object.fromEntries(outputs)), family: "plain", kv: NO_KV, calls: [data.inputs] };
}

function isInteger(dtype: DType): boolean {
  return gpuFormat(dtype).numbers !== "floats";
}

/** Rows of integers that int8 holds, so that kernels which round them to it still give what the reference does. */
function dotCase(dtype: DType): SelfTestCase {
  return { ...integerCase(dtype, "packed-dot"), choices: everySite("packed-dot") };
}

/** Such rows are halves, too; the weights are rounded to halves. */
function halfCase(dtype: DType): SelfTestCase {
  return { ...integerCase(dtype, "f16"), choices: everySite("f16"), tolerance: 1e-6 };
}

function integerCase(dtype: DType, variant: string): SelfTestCase {
  const data = new CaseData(`linear_tile ${dtype} ${variant}`);
  const [width, features] = [2 * Math.max(DTYPES[dtype].blockElements, 64), 12];
  const floats = viewAs(data.tensor([MANY, width]), "f32");
  const integers = floats.map((value, i) => (i % 32 === 5 ? 127 : Math.round(126 * value)));
  const x = data.input("x", tensorOf("f32", [MANY, width], integers), "tokens");
  const y = data.graph.emitOne(linear, [x, data.weight("weight", dtype, [features, width])], {});
  return { ...data.finish({ y }), family: "linear_tile", kv: NO_KV, calls: [data.inputs] };
}

function embeddingCase(dtype: DType): SelfTestCase {
  const data = new CaseData(`embedding ${dtype}`);
  const width = 2 * Math.max(DTYPES[dtype].blockElements, 64);
  const tokens = data.integers("tokens", [3, 0, 8, 3, 5], "tokens");
  const table = data.weight("table", dtype, [9, width]);
  const y = data.graph.emitOne(embedding, [table, tokens], { scale: 1 });
  return { ...data.finish({ y }), family: "embedding", kv: NO_KV, calls: [data.inputs] };
}

/**
 * Rows of a sequence whose cached rows lie in two blocks out of order, so many at a time.
 * @param most rows of a call
 */
function attentionCase(attrs: AttentionAttrs, kv: KvPlan, most: number): SelfTestCase {
  const { heads, kvHeads, headDim, valueDim } = attrs;
  const data = new CaseData(
    `attention of ${most} rows, ${heads}/${kvHeads} heads of ${headDim}, ${kv.dtype}`,
  );
  const columns = [heads * headDim, kvHeads * headDim, kvHeads * valueDim];
  const names = ["q", "k", "v"];
  const matrices = names.map((name, i) => data.floats(name, [most, columns[i]!], "tokens"));
  const integers = (name: string) => data.integers(name, new Array<number>(most).fill(0), "tokens");
  const indices = [
    ...["positions", "sequences", "writeRows"].map(integers),
    data.integers("blockTable", [1, 0], "fixed", [1, 2]),
    data.integers("lengths", [0], "fixed"),
  ];
  const y = data.graph.emitOne(attention, [...matrices, ...indices], attrs);
  const calls: Record<string, HostTensor>[] = [];
  for (let first = 0; first < KV_BLOCK_ROWS + most; first += most) {
    const positions = Int32Array.from({ length: most }, (_, i) => first + i);
    const writeRows = positions.map((position) => (position + KV_BLOCK_ROWS) % (2 * KV_BLOCK_ROWS)); // block 1, then 0
    const fresh = names.map((name, i) => [name, data.tensor([most, columns[i]!])] as const);
    calls.push({
      ...data.inputs,
      ...Object.fromEntries(fresh),
      positions: tensorOf("i32", [most], positions),
      writeRows: tensorOf("i32", [most], writeRows),
      lengths: tensorOf("i32", [1], Int32Array.of(first + most)),
    });
  }
  const plan: KvPlan = { ...kv, layers: 1, kvHeads, headDim, valueDim, maxBlocks: 2 };
  return { ...data.finish({ y }), family: "attention", kv: plan, calls };
}

function sampleCase(candidates: number): SelfTestCase {
  const data = new CaseData("sample");
  const logits = data.floats("logits", [1, 3000], "logits");
  const history = data.integers("history", [-1, 7, 7, 2999], "logits", [1, 4]);
  const settings: Readonly<Record<(typeof SETTINGS_COLUMNS)[number], number>> = {
    ...{ temperature: 0, topK: 40, topP: 0.9, minP: 0.05 },
    ...{ repetitionPenalty: 1.3, frequencyPenalty: 0.5, presencePenalty: 0.1, penaltyTokens: 4, draw: 0.3 },
  };
  const row = SETTINGS_COLUMNS.map((name) => settings[name]);
  const given = data.input("settings", tensorOf("f32", [1, row.length], Float32Array.from(row)), "logits");
  const [token, , packed] = data.graph.emit(sample, [logits, history, given], { candidates });
  return {
    ...data.finish({ token: token!, packed: packed! }),
    family: "sample",
    kv: NO_KV,
    calls: [data.inputs],
  };
}

const NO_KV: KvPlan = {
  layers: 0,
  kvHeads: 1,
  headDim: 1,
  valueDim: 1,
  dtype: "f32",
  blockRows: KV_BLOCK_ROWS,
  maxBlocks: 0,
};

/** A graph in the making, with data from a small generator (Lehmer 1951, modulus 2^31 - 1). */
class CaseData {
  readonly name: string;
  readonly graph: GraphBuilder;
  readonly weights = new Map<string, WeightSource>();
  readonly inputs: Record<string, HostTensor> = {};
  #state = 20231;

  constructor(name: string) {
    this.name = name;
    this.graph = new GraphBuilder(name);
  }

  input(name: string, tensor: HostTensor, axis: "tokens" | "logits" | "fixed"): Value {
    this.inputs[name] = tensor;
    return this.graph.input(name, tensor.spec, axis);
  }

  floats(name: string, shape: readonly number[], axis: "tokens" | "logits"): Value {
    return this.input(name, this.tensor(shape), axis);
  }

  tensor(shape: readonly number[]): HostTensor {
    return tensorOf("f32", shape, this.#random(elementCount(shape)));
  }

  integers(
    name: string,
    values: readonly number[],
    axis: "tokens" | "logits" | "fixed",
    shape: readonly number[] = [values.length],
  ): Value {
    return this.input(name, tensorOf("i32", shape, Int32Array.from(values)), axis);
  }

  weight(name: string, dtype: DType, shape: readonly number[], magnitude = 1): Value {
    const spec = { dtype, shape };
    const values = this.#random(elementCount(shape)).map((value) => value * magnitude);
    const bytes = quantize(dtype, values);
    const readInto = async (offset: number, target: Uint8Array) => {
      target.set(bytes.subarray(offset, offset + target.byteLength));
    };
    this.weights.set(name, { spec, readInto });
    return this.graph.weight(name, spec);
  }

  finish(outputs: Readonly<Record<string, Value>>) {
    return { name: this.name, graph: this.graph.finish(outputs), weights: this.weights };
  }

  /** Uniform in [-1, 1). */
  #random(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => {
      this.#state = (this.#state * 48271) % 2147483647;
      return (this.#state / 2147483647) * 2 - 1;
    });
  }
}
