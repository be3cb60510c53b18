/**
 * checkNnapi: which nodes of an ONNX file ONNX Runtime's NNAPI provider would take, which rule the others break, how to
 * mend it, and into how many parts the graph falls. It looks at the file alone: no driver, no device, no runtime.
 */
import type { OnnxModel, OnnxNode } from "../onnx/model.js";
import { readOnnx } from "../onnx/read.js";
import { MOST_ONNX_BYTES } from "../onnx/write.js";
import { GraphIndex } from "./graph-index.js";
import { inferTypes } from "./infer/index.js";
import { partition } from "./partitions.js";
import type { Rule, RuleContext } from "./rule.js";
import { NNAPI_RULES } from "./rules/index.js";

/** Android 10, where most of the operators that models need appeared. */
export const DEFAULT_API_LEVEL = 29;

export interface CheckNnapiOptions {
  /** Android's API level: 27 to 35. Default 29. */
  readonly apiLevel?: number | undefined;
}

/** What becomes of one node. */
export interface NnapiNodeReport {
  /** Its name in the file, or its first output where it has none. */
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  /** Whether NNAPI takes it. Constants are taken with whoever uses them. */
  readonly supported: boolean;
  /** Name of the first rule that it breaks. */
  readonly rule?: string | undefined;
  /** A sentence: what is broken. */
  readonly problem?: string | undefined;
  /** A sentence: how to mend it. */
  readonly fix?: string | undefined;
}

export interface NnapiReport {
  readonly apiLevel: number;
  readonly nodes: readonly NnapiNodeReport[];
  /** Names of the nodes of each part that would run on NNAPI; each costs an execution and a wait per run. */
  readonly partitions: readonly (readonly string[])[];
  /** Faults of the file as a whole; full sentences. */
  readonly problems: readonly string[];
  /** Readable, one line per node that is not supported. */
  toString(): string;
}

/** @throws MilletError ONNX_MALFORMED */
export function checkNnapi(onnx: Uint8Array, options: CheckNnapiOptions = {}): NnapiReport {
  const problems =
    onnx.byteLength > MOST_ONNX_BYTES
      ? [`The file has ${onnx.byteLength} bytes, and Protocol Buffers allow ${MOST_ONNX_BYTES}.`]
      : [];
  return checkModel(readOnnx(onnx), options, problems);
}

/** As checkNnapi, of a model that was not written yet. */
export function checkModel(
  model: OnnxModel,
  { apiLevel = DEFAULT_API_LEVEL }: CheckNnapiOptions = {},
  problems: readonly string[] = [],
): NnapiReport {
  const context: RuleContext = { graph: new GraphIndex(inferTypes(model)), apiLevel };
  const nodes = model.graph.nodes.filter(({ opType }) => opType !== "Constant");
  const reports = new Map(nodes.map((node) => [node, judge(node, context)]));
  const partitions = partition({ ...model.graph, nodes }, (node) => reports.get(node)?.supported === true);
  const report = {
    apiLevel,
    nodes: [...reports.values()],
    partitions: partitions.map((part) => part.map(nameOf)),
    problems,
  };
  return { ...report, toString: () => format(report) };
}

function judge(node: OnnxNode, context: RuleContext): NnapiNodeReport {
  const { opType, domain } = node;
  const about = { name: nameOf(node), opType, domain };
  for (const rule of NNAPI_RULES) {
    if (!speaksOf(rule, opType)) continue;
    const breach = rule.check(node, context);
    if (breach === undefined) continue;
    const problem = `${breach.what[0]?.toUpperCase()}${breach.what.slice(1)}.`;
    return { ...about, supported: false, rule: rule.name, problem, fix: breach.fix };
  }
  return { ...about, supported: true };
}

const speaksOf = ({ ops }: Rule, opType: string): boolean => ops === "all" || ops.includes(opType);

const nameOf = ({ name, outputs }: OnnxNode): string => name || (outputs[0] ?? "");

function format({ apiLevel, nodes, partitions, problems }: Omit<NnapiReport, "toString">): string {
  const left = nodes.filter(({ supported }) => !supported);
  const taken = nodes.length - left.length;
  return [
    `NNAPI at Android API level ${apiLevel}: ${taken} of ${nodes.length} nodes in ${partitions.length} partitions`,
    ...problems,
    ...left.map(
      ({ name, opType, rule, problem, fix }) =>
        `${name} (${opType}) stays on the CPU, ${rule}: ${problem} ${fix}`,
    ),
  ].join("\n");
}
