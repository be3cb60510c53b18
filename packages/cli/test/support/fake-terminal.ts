/** A terminal for tests: keys are bytes that a test sends, the screen is the bytes that were written. */
import { PassThrough, Writable } from "node:stream";
import { type Io, Output } from "../../src/terminal/io.js";

/** Far more than anything here takes. */
const PATIENCE_MS = 5000;

class FakeInput extends PassThrough {
  readonly isTTY = true;
  isRaw = false;

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }
}

class FakeOutput extends Writable {
  written = "";

  constructor(
    readonly isTTY: boolean,
    readonly columns: number,
    readonly rows: number,
  ) {
    super({ decodeStrings: false });
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.written += chunk;
    done();
  }
}

export class FakeTerminal {
  readonly input = new FakeInput();
  readonly output: FakeOutput;
  readonly io: Io;

  constructor({ isTerminal = true, columns = 80, rows = 24 } = {}) {
    this.output = new FakeOutput(isTerminal, columns, rows);
    const env = { NO_COLOR: "1" };
    this.io = {
      stdin: this.input,
      stdout: new Output(this.output, env),
      stderr: new Output(new FakeOutput(isTerminal, columns, rows), env),
    };
  }

  /** Everything that was written. */
  get written(): string {
    return this.output.written;
  }

  /** Sends keys and waits until they were handled. */
  async type(keys: string): Promise<void> {
    this.input.write(keys);
    await settle();
  }

  /** Resolves once `text` has been written. */
  async shows(text: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline && !this.written.includes(text)) await settle();
    if (!this.written.includes(text))
      throw new Error(
        `The terminal never showed ${JSON.stringify(text)}, but ${JSON.stringify(this.written)}`,
      );
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
}
