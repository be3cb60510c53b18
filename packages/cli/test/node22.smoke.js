/** Runs on Node 22 against the built package (npm run smoke:node22): the command answers a question. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

const args = ["bin/millet.js", "generate", "-p", "What is the capital of France?", "--temperature", "0"];
const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
assert.equal(stderr, "");
assert.equal(status, 0);
assert.match(stdout, /Paris/);
