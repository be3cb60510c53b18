#!/usr/bin/env node
/* Starts millet, or says in one sentence that this Node is too old. Syntax of old Node versions only. */
var major = parseInt(process.versions.node, 10);

if (major < 22) {
  console.error(
    "millet: UNSUPPORTED_PLATFORM: Millet needs Node 22 or newer and this is Node " +
      process.versions.node +
      ": install a current one from https://nodejs.org and run the same command again.",
  );
  process.exit(1);
} else {
  import("../dist/index.js").then(
    (millet) => millet.runInProcess(),
    (error) => {
      console.error(`millet: UNSUPPORTED_PLATFORM: Millet could not start: ${error.message}`);
      process.exit(1);
    },
  );
}
