// What a table of speeds must name: the machine, and the versions of everything that was measured.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";
import { promisify } from "node:util";

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${platform()} ${arch()}`,
  };
}

/** Millet by the last commit of its packages ("with changes" that no commit has), the peers by their packages. */
export async function describeVersions(contestants) {
  const cwd = new URL(".", import.meta.url);
  const { dependencies } = JSON.parse(await readFile(new URL("package.json", cwd), "utf8"));
  const names = contestants.flatMap((contestant) => contestant.package ?? []);
  return {
    Millet: await describeCommit(new URL("../../packages/", cwd)),
    Node: process.versions.node,
    ...Object.fromEntries(names.map((name) => [name, dependencies[name]])),
  };
}

async function describeCommit(cwd) {
  const git = async (...args) => (await promisify(execFile)("git", args, { cwd })).stdout.trim();
  try {
    const changes = await git("status", "--porcelain", "--untracked-files=no", ".");
    return `${await git("log", "-1", "--format=%h", ".")}${changes === "" ? "" : " with changes"}`;
  } catch (error) {
    console.error(`Millet's commit is unknown: ${error.message}`); // an archive without its history
    return "of unknown commit";
  }
}
