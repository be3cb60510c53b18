/** Numbers as people read them. */
import { expect, test } from "vitest";
import { formatBytes, formatCount, formatMs, formatRate, formatTable } from "../src/format.js";
import { median, randomTokenIds } from "../src/measure.js";
import { printable } from "../src/terminal/io.js";
import { progressLine } from "../src/terminal/progress.js";

test.each([
  [0, "0 bytes"],
  [999, "999 bytes"],
  [1000, "1.0 kB"],
  [9_949, "9.9 kB"],
  [9_950, "10 kB"],
  [98_400_000, "98 MB"],
  [999_600, "1.0 MB"],
  [1_430_000_000, "1.4 GB"],
  [5e15, "5000 TB"],
])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [0.123, "0.12 ms"],
  [12.4, "12 ms"],
  [999.6, "1.0 s"],
  [59_949, "59.9 s"],
  [59_999, "1 min 0 s"],
  [125_000, "2 min 5 s"],
])("%d ms are %s", (ms, text) => expect(formatMs(ms)).toBe(text));

test("rates and counts", () => {
  expect(formatRate(100, 500)).toBe("200.0 tokens/s");
  expect(formatRate(100, 0)).toBe("-");
  expect(formatCount(1234567)).toBe("1,234,567");
});

test("tables align their columns", () => {
  expect(
    formatTable(
      [
        ["a", "1"],
        ["bcd", "10", "x"],
      ],
      [1],
    ),
  ).toEqual(["a     1", "bcd  10  x"]);
  expect(formatTable([])).toEqual([]);
});

test("the progress line fits the terminal", () => {
  expect(progressLine("Loading", 50e6, 100e6, 80)).toBe(
    "Loading  [############------------]  50%  50 MB of 100 MB",
  );
  expect(progressLine("Loading", 50e6, 100e6, 20)).toBe("Loading   50%");
  expect(progressLine("Loading", 50e6, 100e6, 8)).toBe("Loading");
  expect(progressLine("Loading", 0, 0, 80)).toBe("Loading  0 bytes");
});

test("control characters never reach a terminal", () => {
  expect(printable("a\tb\nc\x1b[2Jd\x9b5ne\rf\x07")).toBe("a\tb\nc\ufffd[2Jd\ufffd5ne\ufffdf\ufffd");
});

test("the median, and token ids that are the same every time", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  const ids = randomTokenIds(1000, 500, 1);
  expect(ids).toEqual(randomTokenIds(1000, 500, 1));
  expect(ids[0]).not.toBe(randomTokenIds(1, 500, 2)[0]);
  expect(new Set(ids).size).toBeGreaterThan(400);
  expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < 500)).toBe(true);
});
