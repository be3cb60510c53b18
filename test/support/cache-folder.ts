/** Gives a run of the tests its own store of downloads, and removes it: a test touches nobody's cache folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "millet-test-cache-"));
  process.env.MILLET_CACHE = folder; // workers and the programs that tests start inherit it
  return () => rmSync(folder, { recursive: true, force: true });
}
