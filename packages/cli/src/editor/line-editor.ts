/**
 * Reads one message from a terminal: editing keys, history with the arrow keys, several lines by paste, by
 * Alt-Enter, Ctrl-J or a backslash before Enter.
 */
import type { Key } from "node:readline";
import type { Output } from "../terminal/io.js";
import { EditBuffer } from "./edit-buffer.js";
import { History } from "./history.js";
import type { Input, Keyboard } from "./keyboard.js";
import { crop, type Layout, layOut, reflowedCursorRow } from "./layout.js";

export type Entry =
  | { readonly kind: "message"; readonly text: string }
  /** Ctrl-C. `wasEmpty` if there was no text to throw away. */
  | { readonly kind: "interrupt"; readonly wasEmpty: boolean }
  /** Ctrl-D at an empty prompt, or the caller's signal. */
  | { readonly kind: "end" };

const PROMPT = "> ";

export class LineEditor {
  readonly #keyboard: Keyboard;
  readonly #output: Output;
  readonly #history = new History();
  #buffer = new EditBuffer();
  /** What the terminal shows; undefined if the cursor stands where drawing begins. */
  #drawn: Layout | undefined;
  #isDirty = false;
  #finish: ((entry: Entry) => void) | undefined;

  constructor(keyboard: Keyboard, output: Output) {
    this.#keyboard = keyboard;
    this.#output = output;
  }

  /** Shows the prompt and resolves with what is entered. One call at a time. */
  async read(signal: AbortSignal): Promise<Entry> {
    this.#buffer = new EditBuffer();
    this.#drawn = undefined;
    const redraw = () => this.#scheduleDraw();
    const stopResize = this.#output.onResize(redraw);
    const stop = () => this.#finish?.({ kind: "end" });
    signal.addEventListener("abort", stop, { once: true });
    this.#keyboard.onResume = () => {
      this.#drawn = undefined;
      this.#draw();
    };
    try {
      return await new Promise<Entry>((resolve) => {
        this.#finish = resolve;
        if (signal.aborted) return stop();
        this.#draw();
        this.#keyboard.listen((input) => this.#handle(input));
      });
    } finally {
      this.#keyboard.listen(undefined);
      this.#keyboard.onResume = undefined;
      this.#finish = undefined;
      stopResize();
      signal.removeEventListener("abort", stop);
    }
  }

  #handle(input: Input): void {
    if (input.kind === "paste") this.#buffer.insert(input.text);
    else if (!this.#command(input.key)) this.#type(input);
    this.#scheduleDraw();
  }

  #type({ key, text }: Extract<Input, { kind: "key" }>): void {
    if (!key.ctrl && !key.meta && text !== "" && text >= " " && text !== "\x7f") this.#buffer.insert(text);
  }

  /** Does what `key` commands; false if it commands nothing. */
  #command(key: Key): boolean {
    const prefix = key.ctrl ? "ctrl-" : key.meta ? "meta-" : "";
    const action = this.#actions[prefix + (key.name ?? "")];
    action?.();
    return action !== undefined;
  }

  readonly #actions: Readonly<Record<string, () => void>> = {
    return: () => this.#enter(),
    enter: () => this.#buffer.insert("\n"), // Ctrl-J
    "meta-return": () => this.#buffer.insert("\n"),
    "meta-enter": () => this.#buffer.insert("\n"),
    tab: () => this.#buffer.insert("\t"),
    left: () => this.#buffer.left(),
    right: () => this.#buffer.right(),
    "ctrl-b": () => this.#buffer.left(),
    "ctrl-f": () => this.#buffer.right(),
    "ctrl-left": () => this.#buffer.wordLeft(),
    "ctrl-right": () => this.#buffer.wordRight(),
    "meta-left": () => this.#buffer.wordLeft(),
    "meta-right": () => this.#buffer.wordRight(),
    "meta-b": () => this.#buffer.wordLeft(),
    "meta-f": () => this.#buffer.wordRight(),
    home: () => this.#buffer.lineStart(),
    end: () => this.#buffer.lineEnd(),
    "ctrl-a": () => this.#buffer.lineStart(),
    "ctrl-e": () => this.#buffer.lineEnd(),
    up: () => this.#buffer.up() || this.#recall(this.#history.previous(this.#buffer.text)),
    down: () => this.#buffer.down() || this.#recall(this.#history.next()),
    "ctrl-p": () => this.#recall(this.#history.previous(this.#buffer.text)),
    "ctrl-n": () => this.#recall(this.#history.next()),
    backspace: () => this.#buffer.deleteBackward(),
    "ctrl-h": () => this.#buffer.deleteBackward(),
    delete: () => this.#buffer.deleteForward(),
    "meta-backspace": () => this.#buffer.deleteWordBackward(),
    "ctrl-w": () => this.#buffer.deleteWordBackward(),
    "ctrl-u": () => this.#buffer.deleteToLineStart(),
    "ctrl-k": () => this.#buffer.deleteToLineEnd(),
    "ctrl-l": () => this.#clearScreen(),
    "ctrl-c": () => this.#leave({ kind: "interrupt", wasEmpty: this.#buffer.text === "" }),
    "ctrl-d": () => (this.#buffer.text === "" ? this.#leave({ kind: "end" }) : this.#buffer.deleteForward()),
  };

  #recall(entry: string | undefined): void {
    if (entry !== undefined) this.#buffer.set(entry);
  }

  #enter(): void {
    if (this.#buffer.graphemes[this.#buffer.cursor - 1] === "\\") {
      this.#buffer.deleteBackward();
      this.#buffer.insert("\n");
    } else {
      const { text } = this.#buffer;
      this.#history.add(text);
      this.#leave({ kind: "message", text });
    }
  }

  /** Draws a last time with the cursor behind the text and gives `entry` to the caller. */
  #leave(entry: Entry): void {
    const finish = this.#finish;
    if (finish === undefined) return;
    this.#finish = undefined;
    this.#keyboard.listen(undefined); // what follows in the same read is for the next prompt
    this.#draw(this.#buffer.graphemes.length);
    this.#output.raw("\r\n");
    finish(entry);
  }

  #clearScreen(): void {
    this.#output.raw("\x1b[2J\x1b[H");
    this.#drawn = undefined;
  }

  /** Keys that arrive together are drawn together. */
  #scheduleDraw(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    setImmediate(() => {
      this.#isDirty = false;
      if (this.#finish !== undefined) this.#draw();
    });
  }

  #draw(cursor = this.#buffer.cursor): void {
    const { columns, rows } = this.#output;
    const indent = PROMPT.length;
    const layout = crop(layOut(this.#buffer.graphemes, cursor, columns - indent), Math.max(1, rows - 1));
    const up = this.#drawn ? reflowedCursorRow(this.#drawn, indent, columns) : 0;
    this.#output.raw(`${up > 0 ? `\x1b[${up}A` : ""}\r\x1b[J`);
    this.#output.styled("prompt", PROMPT);
    const back = layout.rows.length - 1 - layout.cursorRow;
    this.#output.raw(
      `${layout.rows.join(`\r\n${" ".repeat(indent)}`)}${back > 0 ? `\x1b[${back}A` : ""}` +
        `\r\x1b[${layout.cursorColumn + indent}C`,
    );
    this.#drawn = layout;
  }
}
