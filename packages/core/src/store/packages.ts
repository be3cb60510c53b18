/** Models that are installed as packages, by their bare names. In Node only: pages import packages when they are built. */
import { MilletError } from "../errors.js";
import { canOpenFiles } from "./file.js";
import type { ModelFiles } from "./source.js";

const SCOPE = "@millet/";

/**
 * What the package of this name exports as its model; undefined if `name` is no package's name, or a file's in Node.
 * Packages are "@scope/name" and, of @millet, "model-name".
 * @throws MilletError SOURCE_NOT_FOUND if it is not installed, UNSUPPORTED_PLATFORM outside Node, INVALID_ARGUMENT if it
 *   is no model's
 */
export async function findPackage(name: string): Promise<ModelFiles | undefined> {
  const isFile = /\.(gguf|json|safetensors)$/i.test(name);
  if (isFile || !/^(@[a-z0-9][\w.-]*\/[a-z0-9][\w.-]*|model-[\w.-]+)$/.test(name)) return undefined;
  const packageName = name.startsWith("@") ? name : `${SCOPE}${name}`;
  if (!canOpenFiles()) {
    throw new MilletError(
      "UNSUPPORTED_PLATFORM",
      `"${name}" is the name of a package, which a page cannot look up. Import it where you load it: ` +
        `import { model } from "${packageName}"; a file of that name goes by "./${name}".`,
    );
  }
  const { access } = process.getBuiltinModule("node:fs/promises");
  const isPath = await access(name).then(
    () => true,
    () => false,
  );
  return isPath ? undefined : importModel(packageName);
}

async function importModel(packageName: string): Promise<ModelFiles> {
  const path = resolvePackage(packageName);
  if (path === undefined) {
    throw new MilletError(
      "SOURCE_NOT_FOUND",
      `The package ${packageName} is not installed. Install it: npm install ${packageName}`,
    );
  }
  const exported = await importFile(path);
  const model = exported.model ?? exported.default;
  if (isModelFiles(model)) return model;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `The package ${packageName} is no model's: it exports no list of files.`,
  );
}

/** What a module exports, as import() gives it. */
interface Exported {
  readonly default?: unknown;
  readonly model?: unknown;
}

/** Modules that require() does not take: any before Node 22.12, and those that wait while they load. */
const NOT_REQUIRED = ["ERR_REQUIRE_ESM", "ERR_REQUIRE_ASYNC_MODULE"];

/**
 * import() without the word, which Hermes takes in no script and by which bundlers look for more: modules are required where
 * Node can, and otherwise imported by a constant text that Node compiles.
 */
async function importFile(path: string): Promise<Exported> {
  const { createRequire } = process.getBuiltinModule("node:module");
  try {
    return createRequire(path)(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!NOT_REQUIRED.includes(code)) throw error;
  }
  const vm = process.getBuiltinModule("node:vm");
  const load: (href: string) => Promise<Exported> = vm.runInThisContext("(href) => import(href)", {
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return load(process.getBuiltinModule("node:url").pathToFileURL(path).href);
}

/** As the app sees it: from the folder it runs in, and then from its script. */
function resolvePackage(packageName: string): string | undefined {
  const { createRequire } = process.getBuiltinModule("node:module");
  const { realpathSync } = process.getBuiltinModule("node:fs");
  const bases = [() => `${process.cwd()}/`, () => realpathSync(process.argv[1] ?? "")];
  for (const base of bases) {
    try {
      return createRequire(base()).resolve(packageName);
    } catch (error) {
      if (!(error instanceof Error)) throw error; // not there, or there is no script
    }
  }
  return undefined;
}

function isModelFiles(value: unknown): value is ModelFiles {
  return typeof value === "object" && value !== null && "files" in value && Array.isArray(value.files);
}
