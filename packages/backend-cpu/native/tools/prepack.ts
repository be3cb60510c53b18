/**
 * Runs in a platform package before npm packs it. A workspace that names another os or cpu makes npm refuse the whole
 * repository, so these fields stand in "publishConfig" and move to the top when the package is published (npm reads the
 * manifest again after this script). A package without its binary is not published.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

if (process.env.npm_command === "publish") {
  for (const file of ["build/millet-cpu.node", "build/millet-cpu.json"])
    if (!existsSync(file)) throw new Error(`${file} is not built; nothing to publish`);
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
    publishConfig: Record<string, unknown>;
  };
  const { os, cpu, libc } = manifest.publishConfig;
  writeFileSync("package.json", `${JSON.stringify({ ...manifest, os, cpu, libc }, null, 2)}\n`);
}
