/** Whether this JavaScript engine is one that Millet promises to run on. */
import { MilletError } from "../errors.js";

const OLDEST_NODE = 22;

/**
 * @param nodeVersion `process.versions.node`; undefined outside Node
 * @throws MilletError UNSUPPORTED_PLATFORM on a Node older than 22
 */
export function checkPlatform(nodeVersion = nodeVersionHere()): void {
  if (nodeVersion === undefined || Number.parseInt(nodeVersion, 10) >= OLDEST_NODE) return;
  throw new MilletError(
    "UNSUPPORTED_PLATFORM",
    `Millet needs Node ${OLDEST_NODE} or newer and this is Node ${nodeVersion}: update Node.`,
  );
}

function nodeVersionHere(): string | undefined {
  return typeof process === "undefined" ? undefined : process.versions?.node;
}
