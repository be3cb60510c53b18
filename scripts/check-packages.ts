/**
 * Packs every published package as npm would and checks the result: publint for its manifest and files,
 * are-the-types-wrong (ESM only) for its types. Needs built packages; leaves nothing behind.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { isPublished, ROOT, type Workspace, workspaces } from "./workspaces.ts";

/** Everything wrong with the packed packages, one message each. */
export async function packageProblems(all: readonly Workspace[] = workspaces()): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "millet-pack-"));
  try {
    const problems: string[] = [];
    for (const workspace of all.filter(isPublished)) {
      const tarball = pack(workspace, folder);
      const found = [...(await lintPackage(workspace, tarball)), ...typeProblems(workspace, tarball)];
      problems.push(...found.map((problem) => `${workspace.folder}: ${problem}`));
    }
    return problems;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The tarball that npm would publish, in `folder`. @returns its path */
export function pack({ path }: Workspace, folder: string): string {
  const command = `npm pack --json --ignore-scripts --pack-destination "${folder}"`;
  const output = execFileSync(command, { cwd: path, encoding: "utf8", shell: true, maxBuffer: 2 ** 26 });
  const [packed] = JSON.parse(output) as { filename: string }[];
  if (packed === undefined) throw new Error(`npm pack made nothing in ${path}: ${output}`);
  return join(folder, packed.filename);
}

async function lintPackage({ manifest }: Workspace, tarball: string): Promise<string[]> {
  const bytes = readFileSync(tarball);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
  return messages
    .filter((message) => message.type !== "suggestion")
    .map((message) => `publint: ${formatMessage(message, manifest, { color: false }) ?? message.code}`);
}

/** A package with no types at all (a command, data) has nothing to check; check-manifests asks for types. */
function typeProblems({ manifest }: Workspace, tarball: string): string[] {
  if (!JSON.stringify(manifest.exports ?? {}).includes('"types"')) return [];
  const attw = join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js");
  const args = [attw, "--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji", tarball];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return status === 0 ? [] : [`are-the-types-wrong:\n${stdout}${stderr}`];
}
