/**
 * The three standard streams as commands use them. Text that goes to a terminal is freed of control characters,
 * so that no model and no file can drive the terminal; colours are used on terminals alone and never with NO_COLOR.
 */
import type { Readable, Writable } from "node:stream";

/** What `millet` needs of standard input: a terminal's, a pipe's or a test's. */
export type InputStream = Readable & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown };
/** What `millet` needs of an output stream. */
export type OutputStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

const FALLBACK_COLUMNS = 80;
const FALLBACK_ROWS = 24;

/** A stream of text out of the program. */
export class Output {
  readonly #stream: OutputStream;
  readonly isTerminal: boolean;
  readonly hasColor: boolean;

  constructor(stream: OutputStream, env: NodeJS.ProcessEnv) {
    this.#stream = stream;
    this.isTerminal = stream.isTTY === true && env.TERM !== "dumb";
    this.hasColor = this.isTerminal && (env.NO_COLOR ?? "") === "";
  }

  get columns(): number {
    return (this.isTerminal && this.#stream.columns) || FALLBACK_COLUMNS;
  }

  get rows(): number {
    return (this.isTerminal && this.#stream.rows) || FALLBACK_ROWS;
  }

  /** Writes text from anywhere. */
  write(text: string): void {
    this.raw(this.isTerminal ? printable(text) : text);
  }

  line(text = ""): void {
    this.write(`${text}\n`);
  }

  json(value: unknown): void {
    this.raw(`${JSON.stringify(value)}\n`);
  }

  /** Writes escape sequences of our own as they are. */
  raw(text: string): void {
    if (text !== "" && this.#stream.writable) this.#stream.write(text);
  }

  /** Writes `text`, printable, in a style where the terminal has colours. */
  styled(style: Style, text: string): void {
    const clean = this.isTerminal ? printable(text) : text;
    this.raw(this.hasColor ? `\x1b[${STYLES[style]}m${clean}\x1b[0m` : clean);
  }

  onResize(listener: () => void): () => void {
    this.#stream.on("resize", listener);
    return () => this.#stream.off("resize", listener);
  }
}

const STYLES = { dim: 2, bold: 1, prompt: "1;36", error: 31, good: 32, warning: 33 } as const;
export type Style = keyof typeof STYLES;

export interface Io {
  readonly stdin: InputStream;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** The streams of this process. */
export function processIo(): Io {
  const { stdin, stdout, stderr, env } = process;
  return { stdin, stdout: new Output(stdout, env), stderr: new Output(stderr, env) };
}

/** `text` with control characters, save line ends and tabs, shown as U+FFFD. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that must not pass
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "\ufffd");
}

/** All of standard input as text. */
export async function readAll(stdin: InputStream, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  const stop = () => void stdin.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of stdin) chunks.push(chunk as Uint8Array);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
  return Buffer.concat(chunks).toString("utf8");
}
