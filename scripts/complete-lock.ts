/**
 * Completes package-lock.json: every exact optional dependency that a locked package names gets an entry.
 * npm leaves out platform packages that the registry at hand does not serve, and `npm ci` then refuses the
 * lock. An added entry carries version, os and cpu but no integrity, since nothing was downloaded.
 * Use: `npm run lock` after every change of dependencies; `--check` only reports. A folder as argument has its own lock.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ROOT } from "./workspaces.ts";

interface LockEntry {
  version?: string;
  optionalDependencies?: Record<string, string>;
  dev?: boolean;
  optional?: boolean;
  cpu?: string[];
  os?: string[];
  libc?: string[];
}

export interface Lock {
  packages: Record<string, LockEntry>;
}

const SYSTEMS = [
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const PROCESSORS = [
  "arm64",
  "arm",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "riscv64",
  "s390x",
  "x64",
  "wasm32",
];

/** os, cpu and libc as the platform package's name spells them: "@x/linux-arm64-musl", "@x/windows-64". */
export function platformOfName(name: string): Pick<LockEntry, "cpu" | "os" | "libc"> | undefined {
  const parts = name.replace("windows", "win32").replace(/-64$/, "-x64").split(/[-/]/);
  const os = SYSTEMS.find(
    (system) => parts.includes(system) || (system === "win32" && parts.includes("win")),
  );
  const cpu = PROCESSORS.find((processor) => parts.includes(processor));
  if (os === undefined || cpu === undefined) return undefined;
  const libc = parts.some((part) => part.startsWith("musl")) ? "musl" : "glibc";
  const namesLibc = parts.some((part) => /^(musl|gnu)/.test(part)) && os === "linux";
  return { cpu: [cpu], os: [os], ...(namesLibc ? { libc: [libc] } : {}) };
}

/** Adds the missing entries to `lock`; returns their names. Throws on a name whose platform it cannot tell. */
export function completeLock(lock: Lock): string[] {
  const added: string[] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isLocked(lock, path, name) || !/^\d/.test(version)) continue;
      const platform = platformOfName(name);
      if (platform === undefined)
        throw new Error(`package-lock.json lacks ${name}@${version}, wanted by ${path}`);
      const dev = entry.dev === true ? { dev: true } : {};
      lock.packages[`node_modules/${name}`] = { version, ...platform, ...dev, optional: true };
      added.push(`${name}@${version}`);
    }
  }
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")),
  );
  return added;
}

/** Node's lookup: next to the package that asks, then in each folder above it. */
function isLocked(lock: Lock, from: string, name: string): boolean {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const prefix = folder === "" ? "" : `${folder}/`;
    if (`${prefix}node_modules/${name}` in lock.packages) return true;
    if (folder === "" || !folder.includes("/node_modules/")) return `node_modules/${name}` in lock.packages;
  }
}

if (import.meta.main) {
  const check = process.argv.includes("--check");
  const folder = process.argv.slice(2).find((argument) => !argument.startsWith("--"));
  const file = join(folder === undefined ? ROOT : resolve(folder), "package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8")) as Lock;
  const added = completeLock(lock);
  if (check && added.length > 0) {
    console.error(`package-lock.json lacks ${added.join(", ")}. Run "npm run lock" and commit the result.`);
    process.exitCode = 1;
  } else if (added.length > 0) {
    writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
    console.log(
      `package-lock.json: added ${added.length} platform packages that this registry does not serve.`,
    );
  }
}
