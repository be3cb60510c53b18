/**
 * Text of an answer on its way out: blanks are held back until it is known whether a call or the end follows them, so
 * that what was streamed joins to the final text.
 */
export class AnswerText {
  text = "";
  #held = "";
  #dropsBlanks: boolean;

  constructor(
    private readonly emit: (text: string) => void,
    dropsBlanks: boolean,
  ) {
    this.#dropsBlanks = dropsBlanks;
  }

  get isEmpty(): boolean {
    return this.text === "";
  }

  add(text: string): void {
    const rest = this.#dropsBlanks ? text.trimStart() : text;
    if (rest === "") return;
    this.#dropsBlanks = false;
    const end = rest.trimEnd().length;
    if (end > 0) this.#write(this.#held + rest.slice(0, end));
    this.#held = (end > 0 ? "" : this.#held) + rest.slice(end);
  }

  /** Something else stands here: blanks around it are its own, but for those between two texts. */
  interrupt(): void {
    this.#dropsBlanks = true;
    if (this.isEmpty) this.#held = "";
  }

  /** @param keepsBlanks of the end */
  finish(keepsBlanks: boolean): void {
    if (keepsBlanks && this.#held !== "") this.#write(this.#held);
    this.#held = "";
  }

  #write(text: string): void {
    this.text += text;
    this.emit(text);
  }
}
