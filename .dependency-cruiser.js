/**
 * The directions in which imports run, as docs/architecture.md draws them; `npm run check` enforces them.
 * A new layer of core gets its line in LAYERS; a new package needs nothing here.
 */

/** What each layer of packages/core/src may import besides itself and `platform`. */
const LAYERS = {
  platform: [],
  errors: [],
  tensor: ["errors"],
  quant: ["errors", "tensor"],
  graph: ["errors", "tensor"],
  sampling: [],
  ops: ["errors", "tensor", "quant", "graph", "sampling"],
  lower: ["errors", "tensor", "quant", "graph", "ops"],
  backend: ["errors", "tensor", "quant", "graph", "ops", "lower"],
  formats: ["errors", "tensor", "quant"],
  tokenizer: ["errors", "tensor"],
  store: ["errors", "tensor"],
  models: ["errors", "tensor", "quant", "graph", "ops", "formats"],
  generate: ["errors", "tensor", "quant", "graph", "sampling", "ops", "lower", "backend"],
  embed: ["errors", "tensor", "backend", "models", "generate"],
  chat: ["errors", "tensor", "tokenizer", "generate"],
  model: [
    "errors",
    "tensor",
    "graph",
    "backend",
    "formats",
    "store",
    "tokenizer",
    "models",
    "generate",
    "embed",
    "chat",
  ],
  predict: [
    "errors",
    "tensor",
    "quant",
    "graph",
    "backend",
    "formats",
    "store",
    "tokenizer",
    "models",
    "generate",
    "model",
  ],
};

/** The entry points of core that a backend may import. */
const BACKEND_FACING = ["backend", "errors", "graph", "lower", "ops", "quant", "tensor"];

const CORE = "^packages/core/src/";
const layer = (names) => `${CORE}(${names.join("|")})(/|\\.ts$)`;
const TOP = `${CORE}(index|model)\\.ts$`; // may import every layer, and no layer may import them

const layerRules = Object.entries(LAYERS).map(([name, allowed]) => ({
  name: `core-${name}`,
  comment: `core's ${name} may import ${allowed.length === 0 ? "nothing" : allowed.join(", ")} of core`,
  severity: "error",
  from: { path: layer([name]) },
  to: { path: CORE, pathNot: layer([name, "platform", ...allowed]) },
}));

const rules = [
  {
    name: "core-unknown-layer",
    comment: "every file of core belongs to a layer: see LAYERS in .dependency-cruiser.js",
    severity: "error",
    from: {},
    to: { path: CORE, pathNot: [layer(Object.keys(LAYERS)), TOP] },
  },
  {
    name: "core-runs-anywhere",
    comment: "core reaches Node's modules by dynamic import only, where it knows that it runs in Node",
    severity: "error",
    from: { path: CORE },
    to: { dependencyTypes: ["core"], dynamic: false, dependencyTypesNot: ["type-only"] },
  },
  {
    name: "core-knows-no-package",
    comment: "core knows no backend and no other package of this repository",
    severity: "error",
    from: { path: CORE },
    to: { path: "^packages/(?!core/)" },
  },
  {
    name: "backend-entry-points",
    comment: `a backend imports core's ${BACKEND_FACING.join("/")} entry points and nothing else of core`,
    severity: "error",
    from: { path: "^packages/backend-[^/]+/src/" },
    to: { path: "^packages/core/", pathNot: `^packages/core/dist/(${BACKEND_FACING.join("|")})(/|\\.)` },
  },
  {
    name: "backends-apart",
    comment: "no backend imports another",
    severity: "error",
    from: { path: "^packages/(backend-[^/]+)/" },
    to: { path: "^packages/backend-", pathNot: "^packages/$1/" },
  },
  {
    name: "packages-by-name",
    comment: "another package is imported by its name, as users do, not by a path into it",
    severity: "error",
    from: { path: "^(packages|examples)/([^/]+)/" },
    to: { path: "^(packages|examples)/", pathNot: "^$1/$2/", dependencyTypes: ["local"] },
  },
  {
    name: "src-without-tests",
    comment: "what ships imports no test code",
    severity: "error",
    from: { path: "^packages/[^/]+/(src|bin)/", pathNot: "\\.test\\.ts$" },
    to: { path: "(^|/)(test|bench|fixtures)/|\\.test\\.ts$|^scripts/" },
  },
  {
    name: "src-with-declared-dependencies",
    comment: "what ships imports only what its own package.json declares as a dependency",
    severity: "error",
    from: { path: "^packages/[^/]+/(src|bin)/" },
    to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
  },
  { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  {
    name: "resolvable",
    comment: "an import must lead somewhere; run npm run build first, packages are imported as built",
    severity: "error",
    from: {},
    to: { couldNotResolve: true },
  },
];

export default {
  forbidden: [...rules, ...layerRules],
  options: {
    exclude: {
      path: "/(build|coverage|assembly)/|^test/bundlers/apps/|^examples/android-chat/(src|plugins|[^/]+$)",
    }, // apps are put together by their tests
    doNotFollow: { path: "(^|/)(node_modules|dist)/" },
    tsPreCompilationDeps: true, // type imports count too
    combinedDependencies: false,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "default"],
    },
  },
};
