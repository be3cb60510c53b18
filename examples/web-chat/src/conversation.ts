/** A conversation that outlives the model that answers it, so that backends can be switched in its middle. No DOM. */
import { type Chat, type GenerationStream, type LoadModelOptions, loadModel, type Model } from "@millet/core";
import type { PageModel } from "./source.js";

export class Conversation {
  readonly #source: PageModel["source"];
  #model: Model | undefined;
  #chat: Chat | undefined;

  constructor(source: PageModel["source"]) {
    this.#source = source;
  }

  get isLoaded(): boolean {
    return this.#chat !== undefined;
  }

  /**
   * Loads the model on a backend, which then answers with all turns so far before it. The model that was there
   * serves until then: a switch that fails or is stopped changes nothing.
   * @throws MilletError as loadModel does, TEMPLATE_MISSING for a model that is not made for chats
   */
  async load(options: LoadModelOptions): Promise<Model> {
    const model = await loadModel(this.#source, options);
    try {
      const messages = this.#chat?.messages;
      this.#chat = model.createChat({ messages, generation: { onContextFull: "slide" } });
    } catch (error) {
      await model.dispose();
      throw error;
    }
    const before = this.#model;
    this.#model = model;
    await before?.dispose();
    return model;
  }

  /** Sends a message and streams the answer. Needs a loaded model. */
  send(text: string, signal: AbortSignal): GenerationStream {
    if (!this.#chat) throw new Error("Load a model before sending a message.");
    return this.#chat.send(text, { signal });
  }
}
