/** The options of nnapi(), checked and complete. */
import type { BackendFactory } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import { type ActivationScales, parseActivationScales } from "../calibrate/scales.js";
import { DEFAULT_API_LEVEL } from "../check/check.js";
import { type RuntimeFiles, typedFiles } from "../runtime/files.js";
import type { OrtLike, OrtProvider } from "../runtime/ort.js";

/** Providers that prompts may be computed with, besides the CPU's own way. */
export const CANDIDATES = ["nnapi", "xnnpack", "cpu"] as const;
export type CandidateName = (typeof CANDIDATES)[number];

export interface NnapiOptions {
  /**
   * onnxruntime-react-native, or whatever else has its interface: the module, or how to import it, for an import that may
   * fail where its native part is missing: `() => import("onnxruntime-react-native")`.
   */
  readonly ort: OrtLike | (() => Promise<OrtLike>);
  /** Where shards of the model are written, since only a model that is opened by its path runs on NNAPI. */
  readonly files?: RuntimeFiles | undefined;
  /**
   * Ranges of activations that calibrate() or "millet calibrate" found for this model: accelerators compute with fixed scales.
   * Without them none is used.
   */
  readonly calibration?: ActivationScales | undefined;
  /** Android's API level, `Platform.Version` in React Native. Default 29. */
  readonly apiLevel?: number | undefined;
  /** Tokens of a prompt's chunk on the accelerator, whose graphs have fixed shapes. Default 128. */
  readonly chunk?: number | undefined;
  /** "fused": norms run on the accelerator, too; "safe": products only. Default "fused". */
  readonly plan?: "fused" | "safe" | undefined;
  /**
   * Most bytes of weights on the accelerator. A model that has more is not put there, unless this is given: then as many
   * layers as fit are. Counted at a byte a weight: matrices that 8 bits would cost too much are float32 and take four, which
   * is known after the load (`plan.memory`). Default 2 GiB.
   */
  readonly maxNnapiBytes?: number | undefined;
  /** What the app may use of the device's memory: all forms of the weights and the KV cache. Default 4 GiB. */
  readonly memoryBytes?: number | undefined;
  /** Most bytes of a shard's weights. Default 256 MiB. */
  readonly shardBytes?: number | undefined;
  /** How many times faster than the CPU an accelerator must be to be kept. Default 1.2. */
  readonly minSpeedup?: number | undefined;
  /**
   * Serves where no accelerator does, and is what accelerators are measured against. Where one does, the runtime's CPU provider
   * computes the rest, on the same KV cache. Default: that provider.
   */
  readonly fallback?: BackendFactory | undefined;
  /** Fail with the reason instead of falling back. Default false. */
  readonly strict?: boolean | undefined;
  /** "remember": measure once per device, model, runtime and options. "always": with every load. Default "remember". */
  readonly probe?: "remember" | "always" | undefined;
  /** What tells this device and its drivers from others, such as Android's build fingerprint. */
  readonly device?: string | undefined;
  /** Which providers are tried, in the order of preference at equal speed. Default all. */
  readonly candidates?: readonly CandidateName[] | undefined;
  /** Passed on to the NNAPI provider. Default none. */
  readonly flags?: Pick<OrtProvider, "useFP16" | "useNCHW" | "cpuDisabled"> | undefined;
  /** How the CPU provider computes products of quantized weights, as onnxRuntime()'s option of this name. */
  readonly activations?: "float32" | "int8" | undefined;
  /** Threads of the runtime's own providers. Default: as it likes. */
  readonly threads?: number | undefined;
}

/** Options that have no default. */
type Absent = "files" | "calibration" | "fallback" | "threads";

export type ResolvedOptions = {
  readonly [Name in Exclude<keyof NnapiOptions, "ort" | Absent>]-?: NonNullable<NnapiOptions[Name]>;
} & Pick<NnapiOptions, Absent> & {
    /** Whether the caller wants a part on the accelerator where the whole does not fit. */
    readonly allowsPart: boolean;
    /** What the caller says of the device's memory; undefined: nothing. */
    readonly memoryLimitBytes: number | undefined;
  };

const MIB = 2 ** 20;

/** @throws MilletError INVALID_ARGUMENT naming the option */
export function resolveOptions(options: NnapiOptions): ResolvedOptions {
  return {
    files: checkedFiles(options.files),
    calibration: options.calibration && parseActivationScales(options.calibration),
    apiLevel: whole("apiLevel", options.apiLevel, DEFAULT_API_LEVEL, 1, 99),
    chunk: whole("chunk", options.chunk, 128, 1, 4096),
    plan: oneOf("plan", options.plan, ["fused", "safe"]),
    maxNnapiBytes: whole("maxNnapiBytes", options.maxNnapiBytes, 2048 * MIB, 0),
    allowsPart: options.maxNnapiBytes !== undefined,
    memoryBytes: whole("memoryBytes", options.memoryBytes, 4096 * MIB, 1),
    memoryLimitBytes: options.memoryBytes,
    shardBytes: whole("shardBytes", options.shardBytes, 256 * MIB, 1),
    minSpeedup: factor("minSpeedup", options.minSpeedup, 1.2),
    fallback: checkedFallback(options.fallback),
    strict: boolean("strict", options.strict),
    probe: oneOf("probe", options.probe, ["remember", "always"]),
    device: text("device", options.device),
    candidates: checkedCandidates(options.candidates),
    flags: checkedFlags(options.flags),
    activations: oneOf("activations", options.activations, ["int8", "float32"]),
    threads: options.threads === undefined ? undefined : whole("threads", options.threads, 1, 1, 256),
  };
}

function whole(
  name: string,
  value: number | undefined,
  byDefault: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const number = value ?? byDefault;
  if (Number.isSafeInteger(number) && number >= least && number <= most) return number;
  throw wrong(name, `a whole number from ${least} to ${most}`, value);
}

function factor(name: string, value: number | undefined, byDefault: number): number {
  const number = value ?? byDefault;
  if (Number.isFinite(number) && number >= 0) return number;
  throw wrong(name, "a number that is not negative", value);
}

function boolean(name: string, value: boolean | undefined): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw wrong(name, "true or false", value);
}

function text(name: string, value: string | undefined): string {
  if (value === undefined || typeof value === "string") return value ?? "";
  throw wrong(name, "a text", value);
}

function oneOf<const Name extends string>(
  name: string,
  value: Name | undefined,
  names: readonly [Name, ...Name[]],
): Name {
  if (value === undefined) return names[0];
  if (names.includes(value)) return value;
  throw wrong(name, `one of ${names.join(", ")}`, value);
}

function checkedCandidates(value: readonly CandidateName[] | undefined): readonly CandidateName[] {
  const known = Array.isArray(value) && value.every((name) => CANDIDATES.includes(name));
  if (value === undefined || known) return value ?? CANDIDATES;
  throw wrong("candidates", `a list of ${CANDIDATES.join(", ")}`, value);
}

function checkedFlags(value: NnapiOptions["flags"]): NonNullable<NnapiOptions["flags"]> {
  const { useFP16, useNCHW, cpuDisabled } = value ?? {};
  const flags = { useFP16, useNCHW, cpuDisabled };
  for (const [name, flag] of Object.entries(flags)) boolean(`flags.${name}`, flag);
  return Object.fromEntries(Object.entries(flags).filter(([, flag]) => flag === true));
}

const FILE_METHODS = ["path", "size", "readText", "write", "remove"] as const;

function checkedFiles(value: RuntimeFiles | undefined): RuntimeFiles | undefined {
  const lacked = value && FILE_METHODS.filter((method) => typeof value[method] !== "function");
  if (lacked === undefined || lacked.length === 0) return value && typedFiles(value);
  throw wrong("files", `an object with the methods ${FILE_METHODS.join(", ")}`, `one without ${lacked}`);
}

function checkedFallback(value: BackendFactory | undefined): BackendFactory | undefined {
  if (value === undefined || typeof value.create === "function") return value;
  throw wrong("fallback", "a backend, such as cpu()", value);
}

function wrong(name: string, expected: string, value: unknown): MilletError {
  const found = typeof value === "object" ? "an object" : String(value);
  return new MilletError("INVALID_ARGUMENT", `nnapi(): option ${name} must be ${expected}, not ${found}.`);
}
