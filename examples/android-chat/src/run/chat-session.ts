/** The app without its screen: one model, one conversation, one thing at a time. Tells its listener what changed. */
import type { ActivationScales } from "@millet/backend-nnapi";
import { type Chat, type ChatOptions, type DownloadProgress, loadModel, type Model } from "@millet/core";
import type { Store } from "@millet/core/store";
import type { BackendPlan, PlannedBackend, ProviderName } from "./backend";
import type { DeviceFacts } from "./device";
import { openModel } from "./open-model";
import { describeError, runSelfTest, type SelfTestReport } from "./self-test";

export interface Turn {
  readonly role: "user" | "assistant";
  readonly text: string;
}

export interface SessionState {
  readonly doing: "nothing" | "downloading" | "calibrating" | "loading" | "answering" | "testing";
  readonly download: DownloadProgress | undefined;
  readonly plan: BackendPlan | undefined;
  readonly isLoaded: boolean;
  readonly turns: readonly Turn[];
  /** Speeds of the last answer, or the step of the self-test. */
  readonly note: string;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly report: SelfTestReport | undefined;
}

export interface SessionSetup {
  readonly store: Store;
  /** With bodies that are read as they come: React Native's own has them whole or not at all. */
  readonly fetch: typeof fetch;
  readonly contextLength: number;
  readonly app: SelfTestReport["app"];
  /** Measures what the backend needs to know of a model, or gives what was measured before. */
  calibrate(
    address: string,
    signal: AbortSignal,
    onProgress: (share: number) => void,
  ): Promise<ActivationScales>;
  /** @param only take this provider or fail; otherwise the fastest that is right */
  backend(calibration: ActivationScales, only?: ProviderName): PlannedBackend;
  readFacts(): Promise<DeviceFacts>;
  /** How answers are made, where it is not as the model's file says. */
  readonly generation?: ChatOptions["generation"];
}

const START: SessionState = {
  doing: "nothing",
  download: undefined,
  plan: undefined,
  isLoaded: false,
  turns: [],
  note: "",
  error: undefined,
  report: undefined,
};

export class ChatSession {
  readonly #setup: SessionSetup;
  readonly #onChange: (state: SessionState) => void;
  #state = START;
  #model: Model | undefined;
  #chat: Chat | undefined;
  #stop: AbortController | undefined;

  constructor(setup: SessionSetup, onChange: (state: SessionState) => void) {
    this.#setup = setup;
    this.#onChange = onChange;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Downloads what is not there yet and loads it. */
  open(address: string): Promise<void> {
    return this.#work("downloading", async (signal) => {
      await this.#close();
      const { store, contextLength, backend, generation } = this.#setup;
      const calibration = await this.#prepare(address, signal);
      this.#set({ doing: "loading", note: "" });
      const { model, plan, loadMs } = await openModel({
        address,
        store,
        contextLength,
        backend: backend(calibration),
        signal,
      });
      this.#model = model;
      this.#chat = model.createChat({ generation: { onContextFull: "slide", ...generation } });
      this.#set({ isLoaded: true, plan, turns: [], note: `loaded in ${(loadMs / 1000).toFixed(1)} s` });
    });
  }

  /** Streams the answer into the last turn. What was said before `stop` stays. */
  send(text: string): Promise<void> {
    const chat = this.#chat;
    if (!chat) return Promise.resolve();
    return this.#work("answering", async (signal) => {
      const before = [...this.#state.turns, { role: "user", text } as const];
      let answer = "";
      this.#set({ turns: [...before, { role: "assistant", text: answer }] });
      const stream = chat.send(text, { signal });
      for await (const part of stream) {
        answer += part;
        this.#set({ turns: [...before, { role: "assistant", text: answer }] });
      }
      const { timings, finishReason } = await stream.result;
      const speed = `prompt ${timings.prefillTokensPerSecond.toFixed(1)}, answer ${timings.decodeTokensPerSecond.toFixed(1)} tokens/s`;
      this.#set({ note: finishReason === "aborted" ? `stopped; ${speed}` : speed });
    });
  }

  /** Loads the model once per provider, so the conversation ends here. */
  selfTest(address: string): Promise<void> {
    return this.#work("testing", async (signal) => {
      await this.#close();
      const { store, contextLength, app, backend, readFacts } = this.#setup;
      const calibration = await this.#prepare(address, signal);
      this.#set({ doing: "testing" });
      const report = await runSelfTest({
        address,
        app,
        device: await readFacts(),
        backendFor: (candidate) => backend(calibration, candidate),
        load: (factory, loadSignal) =>
          loadModel(address, { backend: factory, store, network: "none", contextLength, signal: loadSignal }),
        signal,
        onStep: (note) => this.#set({ note }),
      });
      this.#set({ report, note: "the report is ready" });
    });
  }

  /** Ends what is being done. A download goes on from there the next time. */
  stop(): void {
    this.#stop?.abort();
  }

  async dispose(): Promise<void> {
    this.stop();
    await this.#close();
  }

  /** Downloads what is not there yet, and measures the model if nobody did. */
  async #prepare(address: string, signal: AbortSignal): Promise<ActivationScales> {
    const { store, fetch, calibrate } = this.#setup;
    this.#set({ doing: "downloading" });
    await store.pull(address, { fetch, signal, onProgress: (download) => this.#set({ download }) });
    this.#set({ doing: "calibrating", download: undefined });
    return calibrate(address, signal, (share) =>
      this.#set({ note: `${Math.floor(100 * share)}% of the calibration` }),
    );
  }

  async #close(): Promise<void> {
    const model = this.#model;
    this.#model = this.#chat = undefined;
    this.#set({ isLoaded: false, plan: undefined });
    await model?.dispose();
  }

  async #work(doing: SessionState["doing"], run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#stop) return;
    const controller = new AbortController();
    this.#stop = controller;
    this.#set({ doing, error: undefined, note: "" });
    try {
      await run(controller.signal);
    } catch (error) {
      const { code, message } = describeError(error);
      this.#set(code === "ABORTED" ? { note: "stopped" } : { error: { code, message } });
    } finally {
      this.#stop = undefined;
      this.#set({ doing: "nothing", download: undefined });
    }
  }

  #set(changes: Partial<SessionState>): void {
    this.#state = { ...this.#state, ...changes };
    this.#onChange(this.#state);
  }
}
