/** The reference backend as a device that takes its time: counts what is run and read, and can choose wrong tokens. */
import type { Backend, BackendFactory, Call, DeviceBuffer, Executable } from "../../src/backend/index.js";
import { ReferenceBuffer } from "../../src/backend/reference/buffer.js";
import { reference } from "../../src/index.js";
import { type HostTensor, viewAs } from "../../src/tensor/tensor.js";

export interface WatchOptions {
  /** Whether the op `sample` is supported. Default true. */
  readonly samples?: boolean;
  /** Before a result arrives. Default 1. */
  readonly delayMs?: number;
  /** Which of the steps that sample choose a wrong token, by number. Default none. */
  readonly isWrong?: (step: number) => boolean;
}

export interface Read {
  readonly output: string;
  readonly bytes: number;
}

export class Watch {
  /** Rows of tokens of each run, and whether they came from the run before it. */
  readonly runs: { readonly rows: number; readonly queued: boolean }[] = [];
  readonly reads: Read[] = [];
  /** Outputs that were neither read nor disposed of. */
  readonly live = new Set<DeviceBuffer>();
  /** Most runs at a time whose results had not arrived. */
  mostInFlight = 0;
  inFlight = 0;

  /** Bytes of all reads. */
  get bytes(): number {
    return this.reads.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  count(output: string): number {
    return this.reads.filter((read) => read.output === output).length;
  }

  reset(): void {
    this.runs.length = 0;
    this.reads.length = 0;
    this.mostInFlight = 0;
  }
}

export function watched(watch: Watch, options: WatchOptions = {}): BackendFactory {
  return {
    name: "watched",
    async create(): Promise<Backend> {
      const backend = await reference().create();
      return {
        name: "watched",
        capabilities: backend.capabilities,
        lost: backend.lost,
        supports: ({ op }) => op !== "sample" || (options.samples ?? true),
        estimate: (...args) => backend.estimate(...args),
        async load(...args) {
          const model = await backend.load(...args);
          const executables = Object.entries(model.executables).map(([name, executable]) => [
            name,
            watchedExecutable(executable, watch, options),
          ]);
          return { ...model, executables: Object.fromEntries(executables) };
        },
        dispose: () => backend.dispose(),
      };
    },
  };
}

function watchedExecutable(executable: Executable, watch: Watch, options: WatchOptions): Executable {
  return {
    graph: executable.graph,
    run(call: Call) {
      const { tokens } = call.inputs;
      watch.runs.push({ rows: tokens!.spec.shape[0]!, queued: "read" in tokens! });
      watch.mostInFlight = Math.max(watch.mostInFlight, ++watch.inFlight);
      const outputs = executable.run(call);
      const wrong =
        outputs.token && options.isWrong?.(watch.runs.length - 1) ? chooseAnother(outputs) : outputs;
      let arrived = false;
      const arrive = () => {
        if (!arrived) watch.inFlight--;
        arrived = true;
      };
      for (const [name, output] of Object.entries(wrong)) slow(name, output, watch, options, arrive);
      return wrong;
    },
    toString: () => String(executable),
  };
}

/** Makes an output take its time, and notes what happens to it. */
function slow(
  output: string,
  buffer: DeviceBuffer,
  watch: Watch,
  { delayMs = 1 }: WatchOptions,
  arrive: () => void,
): void {
  const [read, dispose] = [buffer.read.bind(buffer), buffer.dispose.bind(buffer)];
  watch.live.add(buffer);
  buffer.read = async () => {
    watch.live.delete(buffer);
    const value = read();
    value.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    arrive();
    const tensor = await value;
    watch.reads.push({ output, bytes: tensor.data.byteLength });
    return tensor;
  };
  buffer.dispose = () => {
    watch.live.delete(buffer);
    dispose();
  };
}

/** The outputs of a step whose device chose the next id instead. */
function chooseAnother(
  outputs: Readonly<Record<string, DeviceBuffer>>,
): Readonly<Record<string, DeviceBuffer>> {
  const peek = (name: string) => (outputs[name] as ReferenceBuffer).peek();
  const other = (viewAs(peek("token"), "i32")[0]! + 1) % outputs.logits!.spec.shape[1]!;
  const changed = (name: string, change: (tensor: HostTensor) => void) => {
    const { spec, data } = peek(name);
    const tensor = { spec, data: data.slice() };
    change(tensor);
    return new ReferenceBuffer(spec, tensor);
  };
  const columns = outputs.history!.spec.shape[1]!;
  return {
    ...outputs,
    token: changed("token", (tensor) => viewAs(tensor, "i32").set([other])),
    history: changed("history", (tensor) => viewAs(tensor, "i32").set([other], columns - 1)),
    candidates: changed("candidates", (tensor) => viewAs(tensor, "f32").set([other], 3)),
  };
}
