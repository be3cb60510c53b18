/** The oldest Node that is promised, and what an older one is told. */
import { expect, test } from "vitest";
import { checkPlatform } from "../../src/model/platform.js";

test("says which Node is needed, in one sentence", () => {
  expect(() => checkPlatform("20.20.2")).toThrow(
    expect.objectContaining({
      code: "UNSUPPORTED_PLATFORM",
      message: "Millet needs Node 22 or newer and this is Node 20.20.2: update Node.",
    }),
  );
});

test.each([undefined, "22.0.0", "24.1.0", "100.0.0"])("accepts %s", (version) => {
  checkPlatform(version);
  checkPlatform(); // this one
});
