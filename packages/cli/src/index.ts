/** @millet/cli: the `millet` command as a function. Importing it does nothing. */
export { EXIT_CODES } from "./exit-codes.js";
export { run, runInProcess } from "./run.js";
export { type Io, Output, processIo } from "./terminal/io.js";
