/** The packages of this repository, read from disk: a new one needs no entry anywhere. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

export type Exports = string | { readonly [condition: string]: Exports };

/** The fields of package.json that the checks read. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
  readonly private?: boolean;
  readonly type?: string;
  readonly license?: string;
  readonly sideEffects?: unknown;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, Exports>>;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly publishConfig?: Readonly<Record<string, unknown>>;
  readonly workspaces?: readonly string[];
  readonly [field: string]: unknown;
}

export interface Workspace {
  /** Relative to the root: "packages/core". */
  readonly folder: string;
  readonly path: string;
  readonly manifest: Manifest;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** All workspaces of the root's package.json, in the order of their folders. */
export function workspaces(root: string = ROOT): Workspace[] {
  const patterns = readManifest(root).workspaces ?? [];
  const left = leftOut(root);
  const folders = globSync(
    patterns.filter((pattern) => !pattern.startsWith("!")).map((pattern) => `${pattern}/package.json`),
    { cwd: root },
  ).map(dirname);
  return folders
    .filter((folder) => !left.includes(folder))
    .sort()
    .map((folder) => {
      const path = join(root, folder);
      return { folder, path, manifest: readManifest(path) };
    });
}

/** Folders that the workspaces leave out: apps whose dependencies are installed elsewhere. */
export function leftOut(root: string = ROOT): string[] {
  return (readManifest(root).workspaces ?? []).flatMap((name) => (name.startsWith("!") ? name.slice(1) : []));
}

/** True for what is published: everything that does not say "private". */
export function isPublished({ manifest }: Workspace): boolean {
  return manifest.private !== true;
}
