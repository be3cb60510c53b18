/** The line editor: its text, its layout, and keys as a terminal sends them. */
import { describe, expect, test } from "vitest";
import { EditBuffer } from "../src/editor/edit-buffer.js";
import { Keyboard } from "../src/editor/keyboard.js";
import { crop, layOut, reflowedCursorRow } from "../src/editor/layout.js";
import { type Entry, LineEditor } from "../src/editor/line-editor.js";
import { FakeTerminal } from "./support/fake-terminal.js";

const KEY = { up: "\x1b[A", down: "\x1b[B", right: "\x1b[C", left: "\x1b[D", home: "\x1b[H", end: "\x1b[F" };

/** What a line editor returns for `keys`, one entry per element. */
async function entries(...keys: string[]): Promise<Entry[]> {
  const terminal = new FakeTerminal();
  const keyboard = new Keyboard(terminal.input, terminal.io.stdout);
  const editor = new LineEditor(keyboard, terminal.io.stdout);
  const result: Entry[] = [];
  for (const some of keys) {
    const read = editor.read(new AbortController().signal);
    await terminal.type(some);
    result.push(await read);
  }
  keyboard.dispose();
  expect(terminal.input.isRaw).toBe(false);
  return result;
}

const message = (text: string): Entry => ({ kind: "message", text });

describe("keys", () => {
  test.each([
    ["plain text", "hello\r", "hello"],
    ["left, insert", `ac${KEY.left}b\r`, "abc"],
    ["home, end", `b${KEY.home}a${KEY.end}c\r`, "abc"],
    ["backspace and delete", `abx\x7f${KEY.left}\x1b[3~c\r`, "ac"],
    ["Ctrl-W takes a word", "one two\x17three\r", "one three"],
    ["Ctrl-U takes the line before the cursor", `abc${KEY.left}\x15\r`, "c"],
    ["Ctrl-K takes the line behind the cursor", `abc${KEY.home}${KEY.right}\x0b\r`, "a"],
    ["Alt-B, Alt-F", "one two\x1bb\x1bbX\x1bfY\r", "XoneY two"],
    ["Alt-Enter, Ctrl-J and \\ Enter are new lines", "a\x1b\rb\nc\\\rd\r", "a\nb\nc\nd"],
    ["characters of two cells", `日本${KEY.left}\x7f語\r`, "語本"],
    ["an emoji of several code points is one step", "👩‍👩‍👧x\x7f\x7fok\r", "ok"],
    ["a combining mark joins its base", "e\u0301\x7fb\r", "b"],
    ["unknown escape sequences are nothing", "a\x1b[99~b\r", "ab"],
  ])("%s", async (_name, keys, text) => {
    expect(await entries(keys)).toEqual([message(text)]);
  });

  test("a paste of several lines is one message, whatever its line ends", async () => {
    const paste = "\x1b[200~first\r\nsecond\rthird\n\x1b[201~";
    expect(await entries(`>${paste}!\r`)).toEqual([message(">first\nsecond\nthird\n!")]);
  });

  test("a pasted Ctrl-C is text", async () => {
    expect(await entries("\x1b[200~a\x03b\x1b[201~\r")).toEqual([message("a\x03b")]);
  });

  test("the arrows walk through what was entered and back to the draft", async () => {
    const [, , third, fourth] = await entries(
      "one\r",
      "two\r",
      `draft${KEY.up}${KEY.up}${KEY.up}\r`,
      `draft${KEY.up}${KEY.up}${KEY.down}${KEY.down}!\r`,
    );
    expect(third).toEqual(message("one"));
    expect(fourth).toEqual(message("draft!"));
  });

  test("the arrows move within a message of several lines first", async () => {
    const [, second] = await entries("old\r", `ab\ncd${KEY.up}X${KEY.down}Y\r`);
    expect(second).toEqual(message("abX\ncdY"));
  });

  test("Ctrl-C throws the line away, Ctrl-D leaves an empty one", async () => {
    expect(await entries("abc\x03", "\x03", "ab\x01\x04\r", "\x04")).toEqual([
      { kind: "interrupt", wasEmpty: false },
      { kind: "interrupt", wasEmpty: true },
      message("b"),
      { kind: "end" },
    ]);
  });

  test("an aborted signal ends the reading", async () => {
    const terminal = new FakeTerminal();
    const editor = new LineEditor(new Keyboard(terminal.input, terminal.io.stdout), terminal.io.stdout);
    const stop = new AbortController();
    const read = editor.read(stop.signal);
    stop.abort();
    expect(await read).toEqual({ kind: "end" });
  });
});

describe("buffer", () => {
  test("keeps the column when it moves over lines, as far as they go", () => {
    const buffer = new EditBuffer();
    buffer.set("abcdef\nx\nghijkl");
    buffer.up();
    buffer.insert("1");
    expect(buffer.text).toBe("abcdef\nx1\nghijkl");
    expect(buffer.up()).toBe(true);
    expect(buffer.cursor).toBe(2);
    expect(buffer.up()).toBe(false);
    expect(buffer.cursor).toBe(2);
  });
});

describe("layout", () => {
  const lay = (text: string, cursor: number, columns: number) => layOut([...text], cursor, columns);

  test("wraps before the last column and at line ends", () => {
    expect(lay("abcdef\ng", 8, 5)).toEqual({ rows: ["abcd", "ef", "g"], cursorRow: 2, cursorColumn: 1 });
  });

  test("a character of two cells is not torn apart", () => {
    expect(lay("abc日本", 5, 5).rows).toEqual(["abc", "日本"]);
  });

  test("a cursor on a wrapped character stands in the next row", () => {
    expect(lay("abcdef", 4, 5)).toMatchObject({ cursorRow: 1, cursorColumn: 0 });
  });

  test("tabs are four spaces and control characters are shown", () => {
    expect(lay("a\tb\x1b", 0, 80).rows).toEqual(["a    b\ufffd"]);
  });

  test("a terminal that becomes narrower wraps the rows anew", () => {
    const layout = lay("abcdefgh\nij", 11, 20);
    expect(reflowedCursorRow(layout, 2, 20)).toBe(1);
    expect(reflowedCursorRow(layout, 2, 5)).toBe(2);
    expect(reflowedCursorRow(layout, 2, 4)).toBe(4);
  });

  test("a text higher than the terminal shows the part around the cursor", () => {
    const rows = ["0", "1", "2", "3", "4"];
    expect(crop({ rows, cursorRow: 4, cursorColumn: 1 }, 2)).toEqual({
      rows: ["3", "4"],
      cursorRow: 1,
      cursorColumn: 1,
    });
    expect(crop({ rows, cursorRow: 0, cursorColumn: 1 }, 2)).toEqual({
      rows: ["0", "1"],
      cursorRow: 0,
      cursorColumn: 1,
    });
  });
});
