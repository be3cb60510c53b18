/** The reference backend as a device that can go away: tests choose when, and count what was made and freed. */
import type {
  Backend,
  BackendFactory,
  DeviceBuffer,
  Executable,
  LoadedModel,
  State,
} from "../../src/backend/index.js";
import { MilletError, reference } from "../../src/index.js";
import type { HostTensor } from "../../src/tensor/tensor.js";

/** Where a backend may fail. */
export type FragileEvent = "create" | "load" | "state" | "reserve" | "step";
export type FragileFault = "BACKEND_LOST" | "OUT_OF_MEMORY" | "BACKEND_UNAVAILABLE";

export interface FragileOptions {
  readonly name?: string;
  /** Asked before everything that may fail. `count`: of such events so far, this one included, over all backends. */
  readonly fault?: (event: FragileEvent, count: number) => FragileFault | undefined;
  /** When `lost` settles: at once, some time after the failure, or never. Default "at once". */
  readonly announces?: "at once" | "later" | "never";
  /** Whether it samples, so that steps are queued ahead and a step is not a token any more. Default false. */
  readonly samples?: boolean;
  /** What dispose does once the device is lost. Default "works". */
  readonly lostDispose?: "works" | "hangs" | "throws";
}

export class FragileDevice implements BackendFactory {
  readonly name: string;
  /** What exists now. */
  readonly alive = { backends: 0, models: 0, states: 0 };
  /** How often each event happened. */
  readonly counts: Record<FragileEvent, number> = { create: 0, load: 0, state: 0, reserve: 0, step: 0 };
  /** Blocks of the cache that were asked for last. */
  blocks = 0;
  fault: NonNullable<FragileOptions["fault"]>;
  readonly #options: FragileOptions;
  /** Loses the backend made last. */
  lose: () => void = () => {};

  constructor(options: FragileOptions = {}) {
    this.name = options.name ?? "fragile";
    this.fault = options.fault ?? (() => undefined);
    this.#options = options;
  }

  async create(): Promise<Backend> {
    const fault = this.#faultAt("create");
    if (fault) throw failure(fault);
    const inner = await reference().create();
    this.alive.backends++;
    const device = new Device(this.#options, (event) => this.#faultAt(event));
    this.lose = () => device.lose();
    return {
      name: this.name,
      capabilities: inner.capabilities,
      lost: device.lost,
      supports: (node) => (this.#options.samples || node.op !== "sample") && inner.supports(node),
      estimate: (...plan) => inner.estimate(...plan),
      load: async (...request) => {
        const model = await inner.load(...request);
        device.check("load");
        this.alive.models++;
        return this.#model(model, device);
      },
      dispose: () => device.dispose(() => this.alive.backends--),
    };
  }

  #faultAt(event: FragileEvent): FragileFault | undefined {
    return this.fault(event, ++this.counts[event]);
  }

  #model(inner: LoadedModel, device: Device): LoadedModel {
    const states = new Map<State, State>();
    const executable = (one: Executable): Executable => ({
      graph: one.graph,
      run: (call) => {
        const before = Object.values(call.inputs).flatMap((input) => device.behind(input) ?? []);
        const error = device.failureAt("step") ?? before.find((buffer) => buffer.error)?.error;
        const inputs = Object.entries(call.inputs).map(([key, input]) => [
          key,
          device.behind(input)?.inner ?? input,
        ]);
        const outputs = one.run({
          ...call,
          inputs: Object.fromEntries(inputs),
          ...(call.state && { state: states.get(call.state)! }),
        });
        return Object.fromEntries(
          Object.entries(outputs).map(([name, out]) => [name, device.buffer(out, error)]),
        );
      },
      toString: () => String(one),
    });
    return {
      byteLength: inner.byteLength,
      executables: Object.fromEntries(
        Object.entries(inner.executables).map(([name, one]) => [name, executable(one)]),
      ),
      createState: () => {
        device.check("state");
        this.alive.states++;
        const state = inner.createState();
        const outer: State = {
          plan: state.plan,
          reserve: async (blocks) => {
            this.blocks = blocks;
            device.check("reserve");
            await state.reserve(blocks);
          },
          copy: (...rows) => state.copy(...rows),
          read: (...rows) => state.read(...rows),
          write: (...rows) => state.write(...rows),
          dispose: () => {
            this.alive.states--;
            states.delete(outer);
            state.dispose();
          },
        };
        states.set(outer, state);
        return outer;
      },
      dispose: () => device.dispose(() => this.alive.models--),
    };
  }
}

/** An output as the reference backend made it, and why its call fails, if it does. */
interface Hidden {
  readonly inner: DeviceBuffer;
  readonly error: MilletError | undefined;
}

/** One device, until it is lost. */
class Device {
  readonly lost: Promise<MilletError>;
  readonly #options: FragileOptions;
  readonly #hidden = new WeakMap<object, Hidden>();
  readonly #faultAt: (event: FragileEvent) => FragileFault | undefined;
  #isLost = false;
  #announce: (error: MilletError) => void = () => {};

  constructor(options: FragileOptions, faultAt: (event: FragileEvent) => FragileFault | undefined) {
    this.#options = options;
    this.#faultAt = faultAt;
    this.lost = new Promise((resolve) => {
      this.#announce = resolve;
    });
  }

  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const { announces = "at once" } = this.#options;
    const announce = () => this.#announce(failure("BACKEND_LOST"));
    if (announces === "at once") announce();
    if (announces === "later") setTimeout(announce, 2);
  }

  failureAt(event: FragileEvent): MilletError | undefined {
    const fault = this.#isLost ? "BACKEND_LOST" : this.#faultAt(event);
    if (fault === "BACKEND_LOST") this.lose();
    return fault && failure(fault);
  }

  check(event: FragileEvent): void {
    const error = this.failureAt(event);
    if (error) throw error;
  }

  /** What {@link buffer} made an output of; undefined for data. */
  behind(input: HostTensor | DeviceBuffer): Hidden | undefined {
    return this.#hidden.get(input);
  }

  /** An output whose read takes a turn, as on a device. */
  buffer(inner: DeviceBuffer, error: MilletError | undefined): DeviceBuffer {
    let isRead = false;
    const read = async () => {
      isRead = true;
      await new Promise((resolve) => setImmediate(resolve));
      if (error) throw error;
      if (this.#isLost) throw failure("BACKEND_LOST");
      return inner.read();
    };
    const outer = { spec: inner.spec, read, dispose: () => void (isRead || inner.dispose()) };
    this.#hidden.set(outer, { inner, error });
    return outer;
  }

  async dispose(note: () => void): Promise<void> {
    note();
    if (!this.#isLost) return;
    if (this.#options.lostDispose === "hangs") await new Promise(() => {});
    if (this.#options.lostDispose === "throws") throw new TypeError("There is no device.");
  }
}

function failure(code: FragileFault): MilletError {
  return new MilletError(code, `${code}, as the test wants it.`);
}
