/**
 * `npm run install-browser`: downloads a Chromium for the tests into this folder (.cache/browsers).
 * It needs the network and leaves the user's system and profile as they are.
 */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { findBrowser, LOCAL_BROWSERS } from "./find-browser.ts";

const cli = join(dirname(createRequire(import.meta.url).resolve("playwright-core/package.json")), "cli.js");
console.log(`Downloading Chromium into ${LOCAL_BROWSERS}; this needs the network.`);
const result = spawnSync(process.execPath, [cli, "install", "chromium", "--no-shell"], {
  env: { ...process.env, PLAYWRIGHT_BROWSERS_PATH: LOCAL_BROWSERS },
  stdio: "inherit",
});
if (result.status === 0) {
  console.log(`The tests will use ${findBrowser()}.`);
} else {
  console.error(
    "Chromium could not be downloaded. Without that network, install Chrome or Chromium with the system's " +
      "package manager (Debian: apt-get install chromium) or set MILLET_CHROME to one.",
  );
  process.exitCode = 1;
}
