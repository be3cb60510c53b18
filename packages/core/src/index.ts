/** @millet/core: the public face. Importing it has no side effect. */
export {
  ERROR_CODES,
  isMilletError,
  MilletError,
  type MilletErrorCode,
  type MilletErrorOptions,
} from "./errors.js";
