/**
 * A terminal's keys while it is in raw mode: one event per key, and one per paste however many lines it has
 * (bracketed paste). The terminal is given back on `dispose`, on suspension (Ctrl-Z) and when the process ends.
 */
import { emitKeypressEvents, type Key } from "node:readline";
import type { InputStream, Output } from "../terminal/io.js";

export type Input =
  | { readonly kind: "key"; readonly key: Key; readonly text: string }
  | { readonly kind: "paste"; readonly text: string };

const PASTE_ON = "\x1b[?2004h";
const PASTE_OFF = "\x1b[?2004l";

export class Keyboard {
  readonly #stdin: InputStream;
  readonly #stdout: Output;
  #paste: string | undefined;
  #listener: ((input: Input) => void) | undefined;
  /** Typed ahead. */
  #waiting: Input[] = [];
  /** Called when the process goes on after a suspension. */
  onResume: (() => void) | undefined;

  constructor(stdin: InputStream, stdout: Output) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    emitKeypressEvents(stdin);
    stdin.on("keypress", this.#onKeypress);
    process.on("exit", this.#release).on("SIGCONT", this.#onContinue);
    this.#take();
    stdin.resume();
  }

  /** From now on `listener` receives what is typed, beginning with what waits; without one, input waits. */
  listen(listener: ((input: Input) => void) | undefined): void {
    this.#listener = listener;
    for (const input of this.#waiting.splice(0)) this.#emit(input);
  }

  /** Keeps `input` for the next listener. */
  defer(input: Input): void {
    this.#waiting.push(input);
  }

  /** Forgets what waits. */
  discard(): void {
    this.#waiting = [];
  }

  dispose(): void {
    this.#release();
    process.off("exit", this.#release).off("SIGCONT", this.#onContinue);
    this.#stdin.off("keypress", this.#onKeypress);
    this.#stdin.pause();
  }

  readonly #take = (): void => {
    this.#stdin.setRawMode?.(true);
    this.#stdout.raw(PASTE_ON);
  };

  readonly #release = (): void => {
    this.#stdout.raw(PASTE_OFF);
    this.#stdin.setRawMode?.(false);
  };

  readonly #onContinue = (): void => {
    this.#take();
    this.onResume?.();
  };

  readonly #onKeypress = (text: string | undefined, key: Key): void => {
    if (key.name === "paste-start") this.#paste = "";
    else if (key.name === "paste-end") this.#endPaste();
    else if (this.#paste !== undefined) this.#paste += key.sequence ?? text ?? "";
    else if (key.ctrl && key.name === "z" && process.platform !== "win32") this.#suspend();
    else this.#emit({ kind: "key", key, text: text ?? "" });
  };

  #endPaste(): void {
    const text = (this.#paste ?? "").replace(/\r\n?/g, "\n");
    this.#paste = undefined;
    if (text !== "") this.#emit({ kind: "paste", text });
  }

  #emit(input: Input): void {
    if (this.#listener) this.#listener(input);
    else this.defer(input);
  }

  #suspend(): void {
    this.#release();
    process.kill(process.pid, "SIGTSTP");
  }
}
