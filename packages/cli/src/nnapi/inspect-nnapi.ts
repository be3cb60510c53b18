/**
 * `millet inspect --nnapi`: what ONNX Runtime's NNAPI provider would make of an ONNX file. It looks at the file alone, so
 * the answer is the same on every machine; whether a phone's driver is fast, or takes what it should, only a phone tells.
 */
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import {
  checkNnapi,
  DEFAULT_API_LEVEL,
  NNAPI_RULES,
  type NnapiNodeReport,
  type NnapiReport,
} from "@millet/backend-nnapi";
import { MilletError } from "@millet/core";
import { EXIT_CODES, type ExitCode } from "../exit-codes.js";
import { fileError } from "../files.js";
import { formatBytes, formatCount } from "../format.js";
import { flag, integer, type OptionValues, texts } from "../options.js";
import { section } from "../sections.js";
import type { Output } from "../terminal/io.js";

export const NNAPI_OPTIONS = {
  nnapi: flag("Which nodes of an ONNX file Android's NNAPI would take, and why not the others."),
  "api-level": integer(`With --nnapi: Android's API level, 27 to 35. Default: ${DEFAULT_API_LEVEL}.`, {
    min: 27,
    max: 35,
  }),
  "on-cpu": texts("OP", "With --nnapi: an operator that may stay on the CPU. May be given several times."),
};

type Options = OptionValues<typeof NNAPI_OPTIONS> & { readonly json: boolean; readonly full: boolean };

/** Nodes of one operator that break one rule are shown by this many examples. */
const SHOWN_NODES = 3;

/** @returns `unsuitable` where nodes stay on the CPU that may not @throws MilletError SOURCE_*, ONNX_* */
export async function inspectForNnapi(path: string, options: Options, output: Output): Promise<ExitCode> {
  const bytes = await readOnnxFile(path);
  const report = checkNnapi(bytes, { apiLevel: options["api-level"] });
  const onCpu = report.nodes.filter(({ supported }) => !supported);
  const unexpected = onCpu.filter(({ opType }) => !options["on-cpu"].includes(opType));
  const isSuitable = unexpected.length === 0 && report.problems.length === 0;
  if (options.json)
    output.json({ name: basename(path), byteLength: bytes.byteLength, isSuitable, ...report });
  else write(path, bytes.byteLength, report, options, output);
  return isSuitable ? EXIT_CODES.ok.code : EXIT_CODES.unsuitable.code;
}

async function readOnnxFile(path: string): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const { size } = await file.stat();
    if (size >= 2 ** 31) {
      throw new MilletError(
        "ONNX_TOO_LARGE",
        `${path} has ${formatBytes(size)}, and an ONNX file with its weights inside may have 2 GiB: no runtime loads it. ` +
          "Cut the model into shards of fewer layers.",
      );
    }
    return await file.readFile();
  } catch (error) {
    throw error instanceof MilletError ? error : fileError(path, error, "read");
  } finally {
    await file?.close();
  }
}

function write(
  path: string,
  byteLength: number,
  report: NnapiReport,
  { full, "on-cpu": allowed }: Options,
  output: Output,
): void {
  const { nodes, partitions, problems, apiLevel } = report;
  const taken = nodes.filter(({ supported }) => supported).length;
  section(output, basename(path), [
    ["Size", formatBytes(byteLength)],
    ["Android", `API level ${apiLevel}`],
    ["On NNAPI", `${formatCount(taken)} of ${formatCount(nodes.length)} nodes`],
    ["Partitions", partitionText(partitions.map(({ length }) => length))],
    ...problems.map((problem) => ["Problem", problem]),
  ]);
  for (const group of groupsOf(nodes)) {
    const { opType, rule, fix } = group[0]!;
    const mayStay = allowed.includes(opType) ? ", as allowed" : "";
    const shown = full ? group : group.slice(0, SHOWN_NODES);
    section(output, `${formatCount(group.length)} x ${opType} on the CPU${mayStay}: ${rule}`, [
      ["Rule", NNAPI_RULES.find(({ name }) => name === rule)?.demands ?? ""],
      ...shown.map(({ name, problem }) => ["Node", `${name}: ${problem}`]),
      ...(shown.length < group.length ? [["", "--full shows the others."]] : []),
      ["Mend", fix ?? ""],
    ]);
  }
}

/** Each costs an execution and a wait in every run, so their number matters as much as the nodes'. */
function partitionText(sizes: readonly number[]): string {
  if (sizes.length === 0) return "none: NNAPI would get nothing";
  const nodes = sizes.length === 1 ? `${sizes[0]}` : `${Math.min(...sizes)} to ${Math.max(...sizes)}`;
  return `${formatCount(sizes.length)}, of ${nodes} nodes`;
}

/** What stays on the CPU, by operator, rule and remedy. */
function groupsOf(nodes: readonly NnapiNodeReport[]): (readonly NnapiNodeReport[])[] {
  const groups = new Map<string, NnapiNodeReport[]>();
  for (const node of nodes) {
    if (node.supported) continue;
    const key = JSON.stringify([node.opType, node.rule, node.fix]);
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return [...groups.values()];
}
