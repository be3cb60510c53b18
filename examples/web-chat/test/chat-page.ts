/** Drives the example's page as a person does, and keeps what the network and the console had to say. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** An answered request for a part of a model's file. */
export interface Range {
  readonly file: string;
  readonly status: number;
  readonly byteLength: number;
  /** Of the whole file. */
  readonly totalBytes: number;
}

/** What stands on the page: the question, the answer so far, the line below. */
export interface ShownTurn {
  readonly question: string;
  readonly answer: string;
  readonly note: string;
}

export class ChatPage {
  readonly ranges: Range[] = [];
  /** Errors and warnings of the console, and what nobody caught. */
  readonly problems: string[] = [];
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.problems.push(message.text());
    });
    page.on("response", (response) => {
      if (!/\.gguf(\?|$)/.test(response.url())) return;
      const [, start = "", end = "", total = ""] =
        /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers()["content-range"] ?? "") ?? [];
      this.ranges.push({
        file: response.url(),
        status: response.status(),
        byteLength: Number(end) - Number(start) + 1,
        totalBytes: Number(total),
      });
    });
  }

  static async open(chromium: Browser, url: string, options: BrowserContextOptions = {}): Promise<ChatPage> {
    const chat = new ChatPage(await chromium.newPage(options));
    await chat.page.goto(url);
    return chat;
  }

  /** Opens the page without the headers that isolate it from other origins. */
  static async openNotIsolated(chromium: Browser, origin: string): Promise<ChatPage> {
    const chat = new ChatPage(await chromium.newPage());
    await chat.page.route(`${origin}/`, async (route) => {
      const response = await route.fetch();
      const headers = Object.entries(response.headers()).filter(([name]) => !name.startsWith("cross-origin"));
      await route.fulfill({ response, headers: Object.fromEntries(headers) });
    });
    await chat.page.goto(origin);
    return chat;
  }

  button(name: string) {
    return this.page.getByRole("button", { name, exact: true });
  }

  /** Text of the last note about a load, or of an error. */
  lastNote(kind: "note" | "error"): Promise<string | null> {
    return this.page.locator(`div.${kind}:visible`).last().textContent();
  }

  /** Waits until nothing runs any more. */
  async idle(): Promise<void> {
    await this.button("Send").waitFor();
  }

  /** Presses "Load" and waits. @returns what the page says then */
  async load(): Promise<string | null> {
    await this.button("Load").click();
    await this.idle();
    return this.lastNote("note");
  }

  chosen(): Promise<string | null> {
    return this.page.locator("label:has(:checked)").textContent();
  }

  /** Types a message and presses Enter. */
  async type(question: string): Promise<void> {
    await this.page.getByRole("textbox").fill(question);
    await this.page.keyboard.press("Enter");
  }

  /** Types a message and waits for the end of the answer. */
  async ask(question: string): Promise<ShownTurn> {
    await this.type(question);
    await this.idle();
    return (await this.turns()).at(-1)!;
  }

  /**
   * Clicks an element when the next answer has this many characters: within the page, so that no answer is too fast
   * for it.
   */
  async clickWhenAnswered(characters: number, selector: string): Promise<void> {
    await this.page.evaluate(
      ([characters, selector]) => {
        const answers = document.getElementsByClassName("answer");
        const { length } = answers;
        const observer = new MutationObserver(() => {
          if ((answers[length]?.textContent ?? "").length < characters) return;
          observer.disconnect();
          document.querySelector<HTMLElement>(selector)!.click();
        });
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
      },
      [characters, selector] as const,
    );
  }

  /** Types a message, clicks an element when the answer has this many characters, and waits for the end of both. */
  async interrupt(question: string, characters: number, selector: string): Promise<ShownTurn> {
    await this.clickWhenAnswered(characters, selector);
    return this.ask(question);
  }

  turns(): Promise<ShownTurn[]> {
    return this.page.locator("article").evaluateAll((turns) =>
      turns.map((turn) => ({
        question: turn.querySelector(".question")!.textContent!,
        answer: turn.querySelector(".answer")!.textContent!,
        note: turn.querySelector(".note")!.textContent!,
      })),
    );
  }

  /** Waits until the last answer has begun. */
  async answering(): Promise<void> {
    await this.page.locator("article:last-of-type .answer:not(:empty)").waitFor();
  }

  /** Waits until this share of the weights is there, while the rest is still on its way. */
  async loading(share: number): Promise<void> {
    await this.page.waitForFunction((least) => document.querySelector("progress")!.value > least, share);
  }
}

/** How many tokens of the prompt an answer's note says were read, the rest being in the KV cache. */
export function tokensRead({ note }: ShownTurn): number {
  return Number(/after reading (\d+)/.exec(note)?.[1]);
}
