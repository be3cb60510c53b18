/** Options: typed values from a command line, and what a wrong one says. */
import { expect, test } from "vitest";
import { choice, flag, integer, number, parseOptions, text, texts } from "../src/options.js";

const OPTIONS = {
  json: flag("as JSON"),
  prompt: text("TEXT", "the prompt", "p"),
  stop: texts("TEXT", "stop here"),
  engine: choice(["auto", "wasm"], "the engine"),
  "top-p": number("nucleus", { min: 0, max: 1 }),
  threads: integer("threads", { min: 1 }),
};
const parse = (...args: string[]) => parseOptions(OPTIONS, args, 1);

test("reads every kind of option, and the arguments without a name", () => {
  const line = ["--json", "-p", "hi there", "--stop", "a", "--stop=b", "m.gguf", "--engine", "wasm"];
  expect(parse(...line, "--top-p", "0.25", "--threads", "2")).toEqual({
    values: { json: true, prompt: "hi there", stop: ["a", "b"], engine: "wasm", "top-p": 0.25, threads: 2 },
    positionals: ["m.gguf"],
  });
});

test("what is not given is undefined, false or empty", () => {
  expect(parse().values).toEqual({
    json: false,
    prompt: undefined,
    stop: [],
    engine: undefined,
    "top-p": undefined,
    threads: undefined,
  });
});

test("the last of several values counts, and values may look like options after =", () => {
  expect(parse("-p", "one", "--prompt=--two").values.prompt).toBe("--two");
  expect(parse("--", "--not-an-option").positionals).toEqual(["--not-an-option"]);
});

test.each([
  [["--bogus"], /Unknown option '--bogus'\.$/],
  [["--threads"], /--threads/],
  [["--threads", "0"], /--threads takes a number of at least 1, not "0"/],
  [["--threads", "1.5"], /--threads takes a whole number, not "1.5"/],
  [["--threads", ""], /--threads takes a number/],
  [["--threads", "two"], /not "two"/],
  [["--top-p", "1.1"], /--top-p takes a number from 0 to 1/],
  [["--top-p", "NaN"], /not "NaN"/],
  [["--engine", "warp"], /--engine is one of auto, wasm, not "warp"/],
  [["--json=yes"], /--json/],
  [["a", "b"], /Unexpected argument "b"\.$/],
  [["what", "is", "this"], /Put quotes around/],
])("%j is refused with a sentence", (args, message) => {
  expect(() => parse(...args)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringMatching(message) }),
  );
});
