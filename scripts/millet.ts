/**
 * `npm start` and `npm run millet -- <command> …`: builds what the millet command needs, silently unless that fails,
 * and runs it in this process, so that keys and signals reach it as if it had been started by itself. It builds the
 * JavaScript alone (build:js): declarations, which only compilers read, take most of a build's time.
 */
import { existsSync } from "node:fs";
import { turbo } from "./turbo.ts";

const program = new URL("../packages/cli/bin/millet.js", import.meta.url);
const isFirst = !existsSync(new URL("../dist/index.js", program));
const tell = (text: string) => void (isFirst && process.stderr.isTTY && process.stderr.write(text));

tell("Building Millet, this once …");
const status = turbo(["run", "build:js", "--filter=@millet/cli..."], { quiet: true });
tell("\r\x1b[2K");
if (status === 0) await import(program.href);
else process.exitCode = status;
