/**
 * Rules for package.json files and the lock: what a fresh `npm ci` needs from the registry alone, and what
 * every published package promises (Node >= 22, ESM, types, no side effects, no install scripts).
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { completeLock, type Lock } from "./complete-lock.ts";
import { type Exports, isPublished, ROOT, readManifest, type Workspace, workspaces } from "./workspaces.ts";

const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare"];
/** The repository's lock, and those of folders that are installed only when asked for. */
const LOCKS = ["package-lock.json", "{bench,scripts,test}/*/package-lock.json"];
/** Fields that name a place; the packages stay neutral about where they live. */
const PLACES = ["repository", "homepage", "bugs", "author", "contributors", "funding"];

/** Everything wrong with the manifests and the lock below `root`, one sentence each. */
export function manifestProblems(root: string = ROOT): string[] {
  const all = workspaces(root);
  const rootWorkspace = { folder: ".", path: root, manifest: readManifest(root) };
  return [
    ...globSync(LOCKS, { cwd: root }).flatMap((file) =>
      lockProblems(readFileSync(join(root, file), "utf8"), file),
    ),
    ...[rootWorkspace, ...all].flatMap(scriptProblems),
    ...all.flatMap(packageProblems),
    ...all.filter(isPublished).flatMap(publishedProblems),
    ...all.flatMap(undeclaredImports),
    ...changesetProblems(root, all),
  ];
}

export function lockProblems(text: string, file = "package-lock.json"): string[] {
  const lock = JSON.parse(text) as Lock;
  const missing = completeLock(lock);
  return [
    ...(/"resolved": "[a-z+]+:\/\//.test(text)
      ? [`${file} holds download addresses: keep .npmrc's omit-lockfile-registry-resolved`]
      : []),
    ...(missing.length > 0 ? [`${file} lacks ${missing.join(", ")}: run "npm run lock" there`] : []),
  ];
}

function scriptProblems({ folder, manifest }: Workspace): string[] {
  return INSTALL_SCRIPTS.filter((script) => manifest.scripts?.[script] !== undefined).map(
    (script) => `${folder}/package.json has an install script, "${script}"`,
  );
}

function packageProblems({ folder, manifest }: Workspace): string[] {
  const wrong = (what: string) => `${folder}/package.json: ${what}`;
  return [
    ...(manifest.engines?.node === ">=22" ? [] : [wrong('"engines" must be { "node": ">=22" }')]),
    ...(manifest.license === "Apache-2.0" ? [] : [wrong('"license" must be "Apache-2.0"')]),
    ...(manifest.type === "module" ? [] : [wrong('"type" must be "module"')]),
  ];
}

function publishedProblems({ folder, path, manifest }: Workspace): string[] {
  const wrong = (what: string) => `${folder}/package.json: ${what}`;
  const entries = Object.entries(manifest.exports ?? {});
  return [
    ...(manifest.description ? [] : [wrong('needs a "description"')]),
    ...(existsSync(join(path, "LICENSE"))
      ? []
      : [wrong("a copy of LICENSE must stand beside it, for the package")]),
    ...(manifest.sideEffects === false ? [] : [wrong('"sideEffects" must be false')]),
    ...(manifest.files ? [] : [wrong('needs "files", the list of what is published')]),
    ...(entries.length > 0 ? [] : [wrong('needs "exports"')]),
    ...entries
      .filter(([, target]) => !hasTypes(target))
      .map(([name]) => wrong(`export "${name}" has no "types"`)),
    ...PLACES.filter((field) => field in manifest).map((field) => wrong(`names a place: remove "${field}"`)),
    ...(manifest.publishConfig && "registry" in manifest.publishConfig ? [wrong("names a registry")] : []),
  ];
}

/** An export of code carries "types" first, as TypeScript reads conditions in order; data files need none. */
function hasTypes(target: Exports): boolean {
  if (typeof target === "string") return !/\.[cm]?js$/.test(target);
  return Object.keys(target)[0] === "types";
}

/** Imports of the repository's packages that the importing package does not declare. */
function undeclaredImports({ folder, path, manifest }: Workspace): string[] {
  const declared = {
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  };
  const files = globSync(["src/**/*.ts", "src/**/*.js", "bin/**/*.js"], { cwd: path });
  return files.flatMap((file) => {
    const text = readFileSync(join(path, file), "utf8");
    const names = [...text.matchAll(/(?:from|import)\s*\(?\s*"(@millet\/[^/"]+)/g)].map(
      (match) => match[1] ?? "",
    );
    return [...new Set(names)]
      .filter((name) => !(name in declared) && name !== manifest.name)
      .map(
        (name) => `${folder}/${file} imports ${name}, which its package.json does not list as a dependency`,
      );
  });
}

/** A changeset that names a package which is not there stops a release. */
function changesetProblems(root: string, all: readonly Workspace[]): string[] {
  const names = new Set(all.map(({ manifest }) => manifest.name));
  return globSync(".changeset/*.md", { cwd: root }).flatMap((file) => {
    const [, head = ""] = readFileSync(join(root, file), "utf8").split(/^---$/m);
    const named = [...head.matchAll(/^"([^"]+)":/gm)].map((match) => match[1] ?? "");
    return named
      .filter((name) => !names.has(name))
      .map((name) => `${file} names ${name}, which is no package here`);
  });
}
