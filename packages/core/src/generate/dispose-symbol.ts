/**
 * Symbol.asyncDispose, or what stands for it where the engine lacks it: the symbol that compiled `await using` looks
 * up then (esbuild, tslib), so that it works there too.
 */
export const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");
