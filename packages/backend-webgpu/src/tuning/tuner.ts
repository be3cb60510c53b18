/**
 * Decides which candidates serve a model's sites: what this process decided before, else what an earlier load measured on
 * the same device, else a measurement now. Whatever was decided once stays while the process or page lives, so that a
 * model that is loaded again, as after the loss of its device, computes the same.
 */
import type { Device } from "../device/device.js";
import type { Choice, Choices } from "../kernels/choices.js";
import { type KernelFeature, triedFeatures } from "../kernels/features.js";
import type { WebgpuOptions } from "../options.js";
import { VERSION } from "../version.js";
import { type Decisions, readRecord, writeRecord } from "./record.js";
import type { Site } from "./sites.js";
import { defaultStore } from "./store.js";
import { type Contest, tune } from "./tune.js";

const BUDGET_MS = 300;

/** Of this process: choices by device and sites. Sites without a decision keep their default, as null. */
const decided = new Map<string, Map<string, Choice | null>>();

/** Forgets what this process decided. For tests. */
export function resetTuning(): void {
  decided.clear();
}

export type TuningOptions = Pick<
  WebgpuOptions,
  "tuning" | "tuningBudgetMs" | "tuningStore" | "promptRounding"
>;

export class Tuner {
  /** Whether anything is measured or remembered. */
  readonly isActive: boolean;
  readonly #key: string;
  readonly #options: TuningOptions;
  readonly #now: () => number;
  readonly #store: WebgpuOptions["tuningStore"];
  readonly #problems: string[] = [];
  #stored: Promise<Decisions> | undefined;
  #elapsedMs = 0;
  /** All that this backend's models use. */
  readonly #used = new Map<string, Used>();

  /** What kernels may try: those that round are for tuning to choose, or not at all. */
  readonly features: ReadonlySet<KernelFeature>;

  constructor(
    device: Pick<Device, "key" | "isSoftware" | "features">,
    options: TuningOptions = {},
    now: () => number = () => performance.now(),
  ) {
    const { tuning = "auto", tuningStore = defaultStore(), promptRounding } = options;
    this.isActive = tuning === "on" || (tuning === "auto" && !device.isSoftware);
    this.features = triedFeatures(device.features, this.isActive ? promptRounding : []);
    this.#key = `${VERSION}; ${device.key}; ${[...this.features].sort().join(", ")}`;
    this.#options = options;
    this.#now = now;
    this.#store = this.isActive ? tuningStore : undefined;
  }

  /** Choices that are known already, and the sites that are yet to be measured. */
  async known(
    sites: readonly Site[],
  ): Promise<{ readonly choices: Choices; readonly open: readonly Site[] }> {
    if (!this.isActive) return { choices: new Map(), open: [] };
    const own = this.#decided();
    const stored = await (this.#stored ??= this.#read());
    const open: Site[] = [];
    for (const site of sites) {
      const { name, candidates } = site;
      const record = stored.get(name);
      if (own.has(name)) this.#note(site, own.get(name));
      else if (record && candidates.includes(record.candidate)) {
        const choice = { ...record, source: "remembered" } as const;
        own.set(name, choice);
        this.#note(site, choice);
      } else open.push(site);
    }
    return { choices: this.#choicesOf(sites), open };
  }

  /**
   * Measures sites and keeps the result.
   * @param sites of the model, `open` among them
   * @returns the choices for all of its sites
   */
  async measure(
    sites: readonly Site[],
    open: readonly Site[],
    contests: readonly Contest[],
    signal?: AbortSignal,
  ): Promise<Choices> {
    const begin = this.#now();
    const budgetMs = this.#options.tuningBudgetMs ?? BUDGET_MS;
    const { decisions, problems } = await tune(contests, { budgetMs, now: this.#now, signal });
    const own = this.#decided();
    for (const site of open) {
      const decision = decisions.get(site.name);
      const choice = decision ? ({ ...decision, source: "measured" } as const) : null;
      own.set(site.name, choice);
      this.#note(site, choice);
    }
    this.#elapsedMs += this.#now() - begin;
    this.#problems.push(...problems);
    await this.#write(decisions);
    return this.#choicesOf(sites);
  }

  /** What earlier loads measured on this device; full sentences. */
  async remembered(): Promise<string[]> {
    if (!this.isActive) return [];
    const { size } = await this.#read();
    const next = "the next load of a model measures what it needs";
    if (size === 0) return [`No choices among kernels are remembered for this device: ${next}.`];
    return [`${size} choices among kernels are remembered for this device; ${next} beyond them.`];
  }

  /** What was chosen and how; full sentences. */
  report(): string[] {
    if (this.#used.size === 0) return [];
    const all = [...this.#used.values()];
    const count = (source: Used["source"]) => all.filter((one) => one.source === source).length;
    const parts = [
      [
        count("measured"),
        this.#elapsedMs > 0 ? `measured in ${Math.round(this.#elapsedMs)} ms` : "measured before",
      ],
      [count("remembered"), "remembered from an earlier load"],
      [count("default"), "not measured yet"],
    ] as const;
    const counted = parts.flatMap(([number, what]) => (number > 0 ? [`${number} ${what}`] : []));
    const faster = all.filter(({ candidate, usual }) => candidate !== usual);
    return [
      `Choices among kernels: ${counted.join(", ")}.`,
      ...faster.map(
        ({ site, candidate, usual, gain }) =>
          `For ${site} the kernel is ${candidate}, ${gain.toFixed(2)} times as fast as ${usual}.`,
      ),
      ...this.#problems,
    ];
  }

  #note({ name: site, candidates }: Site, choice: Choice | null | undefined): void {
    const usual = candidates[0]!;
    this.#used.set(site, { site, usual, gain: 1, candidate: usual, source: "default", ...choice });
  }

  #choicesOf(sites: readonly Site[]): Choices {
    const own = this.#decided();
    return new Map(
      sites.flatMap(({ name }): [string, Choice][] => {
        const choice = own.get(name);
        return choice ? [[name, choice]] : [];
      }),
    );
  }

  #decided(): Map<string, Choice | null> {
    let own = decided.get(this.#key);
    if (!own) decided.set(this.#key, (own = new Map()));
    return own;
  }

  async #read(): Promise<Decisions> {
    try {
      return readRecord(this.#key, await this.#store?.read(await nameOf(this.#key)));
    } catch {
      return new Map(); // there is none, or it cannot be read: measuring again makes another
    }
  }

  /** Adds to what the store has by now: other processes measure, too. */
  async #write(decisions: Decisions): Promise<void> {
    if (!this.#store || decisions.size === 0) return;
    const all = new Map([...(await this.#read()), ...decisions]);
    try {
      await this.#store.write(await nameOf(this.#key), writeRecord(this.#key, all));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#problems.push(
        `What was measured could not be kept, so that the next load measures again: ${why}.`,
      );
    }
  }
}

interface Used {
  readonly site: string;
  readonly candidate: string;
  /** The default. */
  readonly usual: string;
  readonly source: Choice["source"] | "default";
  readonly gain: number;
}

/** A name that any file system takes. */
async function nameOf(key: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key)));
  return `tuning-${[...digest.subarray(0, 12)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}.json`;
}
