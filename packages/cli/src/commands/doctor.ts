/** `millet doctor`: what this machine can do, and why not more. */
import { inspectWebgpu } from "@millet/backend-webgpu";
import { isMilletError, MilletError } from "@millet/core";
import { type BackendName, chooseBackend } from "../backends.js";
import { type Context, defineCommand } from "../command.js";
import type { Finding } from "../doctor/finding.js";
import { webgpuFindings } from "../doctor/webgpu.js";
import { formatBytes } from "../format.js";
import { inspectMachine, type Machine } from "../machine.js";
import { withModelFile } from "../model-file.js";
import { DEFAULT_MODEL_PACKAGE, shortName } from "../models.js";
import type { Output } from "../terminal/io.js";
import { version } from "../version.js";

export const doctor = defineCommand({
  name: "doctor",
  summary: "Say what this machine can do, and why not more.",
  positionals: [],
  options: {},
  notes: ["It ends with exit code 1 if chatting with the model that ships cannot work here."],
  run,
});

async function run({ options, io, signal }: Context<Record<never, never>>): Promise<void> {
  const machine = inspectMachine();
  const cpu = await checkBackend("cpu", signal);
  const webgpu = await inspectWebgpu();
  const findings = [
    ...machineFindings(machine),
    ...cpu.findings,
    ...webgpuFindings(webgpu),
    await modelFinding(signal),
    capacityFinding(machine, cpu.memoryLimitBytes),
  ];
  if (options.json) io.stdout.json({ version: version(), machine, webgpu: webgpu.device, findings });
  else write(findings, io.stdout);
  const failed = findings.filter(({ verdict }) => verdict === "bad");
  if (failed.length > 0) {
    const areas = failed.map(({ area }) => area).join(", ");
    throw new MilletError("UNSUPPORTED_PLATFORM", `Chatting cannot work here as it is: see ${areas}.`);
  }
}

function machineFindings(machine: Machine): Finding[] {
  const wasm = [
    machine.relaxedSimd ? "relaxed SIMD" : machine.simd ? "SIMD" : "no SIMD",
    machine.sharedMemory ? "shared memory" : "no shared memory",
  ].join(", ");
  const isWasmFull = machine.relaxedSimd && machine.sharedMemory;
  const wasmAdvice = isWasmFull
    ? ""
    : ". A current Node has relaxed SIMD and shared memory, which are faster";
  return [
    { area: "Millet", verdict: "ok", text: version() },
    { area: "Node", verdict: "ok", text: `${machine.node} on ${machine.system}` },
    { area: "Processor", verdict: "ok", text: `${machine.cpu}, ${machine.cores} threads for this process` },
    {
      area: "Memory",
      verdict: machine.freeBytes < 500e6 ? "limited" : "ok",
      text: `${formatBytes(machine.freeBytes)} free of ${formatBytes(machine.totalBytes)}`,
    },
    {
      area: "WebAssembly",
      verdict: machine.simd ? (isWasmFull ? "ok" : "limited") : "bad",
      text: wasm + wasmAdvice,
    },
  ];
}

interface BackendCheck {
  readonly findings: readonly Finding[];
  /** Most bytes that it can hold; 0 if it does not work. */
  readonly memoryLimitBytes: number;
}

async function checkBackend(name: BackendName, signal: AbortSignal): Promise<BackendCheck> {
  const area = `Backend ${name}`;
  const factory = chooseBackend({ backend: name, engine: undefined, threads: undefined });
  try {
    const backend = await factory.create({ signal });
    const { description, limitations, memoryLimitBytes = Infinity } = backend.capabilities;
    await backend.dispose();
    const findings: Finding[] = [
      { area, verdict: "ok", text: description },
      ...limitations.map((text): Finding => ({ area, verdict: "limited", text })),
    ];
    return { findings, memoryLimitBytes };
  } catch (error) {
    if (!isMilletError(error)) throw error;
    const text = `${error.code}: ${error.message}`;
    return { findings: [{ area, verdict: "bad", text }], memoryLimitBytes: 0 };
  }
}

async function modelFinding(signal: AbortSignal): Promise<Finding> {
  const area = "Model";
  try {
    return await withModelFile(undefined, { signal }, ({ name, byteLength }) => ({
      area,
      verdict: "ok",
      text: `${shortName(name)} from ${DEFAULT_MODEL_PACKAGE}, ${formatBytes(byteLength)}`,
    }));
  } catch (error) {
    if (!isMilletError(error)) throw error;
    return { area, verdict: "bad", text: `${error.code}: ${error.message}` };
  }
}

/** Bytes per parameter of 4-bit weights with a scale and a minimum per 32, and room for the rest of the program. */
const BYTES_PER_PARAMETER = 20 / 32;
const RESERVED_BYTES = 500e6;

function capacityFinding({ freeBytes }: Machine, memoryLimitBytes: number): Finding {
  const bytes = Math.max(0, Math.min(freeBytes, memoryLimitBytes) - RESERVED_BYTES);
  const billions = bytes / BYTES_PER_PARAMETER / 1e9;
  const reason = memoryLimitBytes < freeBytes ? "what the CPU backend can address" : "the free memory";
  const text = `4-bit models of up to about ${billions.toFixed(1)} billion parameters, by ${reason}`;
  return { area: "Capacity", verdict: billions > 0.1 ? "ok" : "limited", text };
}

const MARKS = {
  ok: { style: "good", text: "ok  " },
  limited: { style: "warning", text: "note" },
  bad: { style: "error", text: "FAIL" },
} as const;

function write(findings: readonly Finding[], output: Output): void {
  const width = Math.max(...findings.map(({ area }) => area.length));
  let previous = "";
  for (const { area, verdict, text } of findings) {
    const mark = MARKS[verdict];
    output.styled(mark.style, mark.text);
    output.line(`  ${(area === previous ? "" : area).padEnd(width)}  ${text}`);
    previous = area;
  }
}
