import { describe, expect, it } from "vitest";
import { StopStrings } from "../../src/generate/stop-strings.js";

/** What is set free piece by piece; "|x" marks a found stop string x. */
function scan(stops: readonly string[], pieces: readonly string[]): string[] {
  const scanner = new StopStrings(stops);
  const out: string[] = [];
  for (const piece of pieces) {
    const { text, stop } = scanner.push(piece);
    out.push(text);
    if (stop !== undefined) return [...out, `|${stop}`];
  }
  return [...out, scanner.end()];
}

describe("StopStrings", () => {
  it("passes text through if there are none", () => {
    expect(scan([], ["a", "b"])).toEqual(["a", "b", ""]);
  });

  it("holds back what may become a stop string, and gives it free if it does not", () => {
    expect(scan(["END"], ["an E", "N", "tity"])).toEqual(["an ", "", "ENtity", ""]);
    expect(scan(["END"], ["the EN"])).toEqual(["the ", "EN"]);
  });

  it("never shows a stop string, wherever it is cut", () => {
    const text = "hello</s>world";
    for (let cut = 0; cut <= text.length; cut++) {
      const result = scan(["</s>"], [text.slice(0, cut), text.slice(cut)]);
      expect(result.join("")).toBe("hello|</s>");
    }
  });

  it("finds the one that begins first", () => {
    expect(scan(["bc", "ab"], ["xabc"])).toEqual(["x", "|ab"]);
    expect(scan(["ab", "abc"], ["xab", "c"])).toEqual(["x", "|ab"]);
  });

  it("sees a stop string that begins within a false start", () => {
    expect(scan(["aab"], ["aa", "ab", "z"])).toEqual(["", "a", "|aab"]);
  });
});
