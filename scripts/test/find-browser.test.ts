/** The order in which a browser is looked for; no browser is started. */
import { expect, test } from "vitest";
import { findBrowser } from "../find-browser.js";

test("MILLET_CHROME comes first", () => {
  expect(findBrowser({ MILLET_CHROME: process.execPath })).toBe(process.execPath);
});

test("MILLET_CHROME that cannot be run is an error, not a silent fallback", () => {
  expect(() => findBrowser({ MILLET_CHROME: "/no/such/chrome" })).toThrow("MILLET_CHROME is /no/such/chrome");
});

test("an empty PATH offers no system browser", () => {
  expect(findBrowser({ PATH: "" }) ?? "").not.toMatch(/^\/usr/);
});
