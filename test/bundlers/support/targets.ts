/**
 * The ways in which apps are bundled here: each bundler as it comes, without a configuration file, an alias or a
 * plugin. A target builds its app and serves it on loopback.
 */
import { readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { build } from "esbuild";
import { run, type Server, startServer } from "../../support/run.js";
import { type Content, serve } from "../../support/static-server.js";
import type { App } from "./workspace.js";

export interface Target {
  readonly name: string;
  readonly app: App;
  /** Whether a page fetches the parts of Millet that it needs, and no other. */
  readonly splits: boolean;
  /** Whether what a page fetches is minified, and the app's and Millet's alone. */
  readonly isMeasured?: boolean;
  /** Builds and serves. @param folder the app's @param model a file to serve at /model.gguf */
  serve(folder: string, model: string): Promise<Server>;
}

const VITE = "../node_modules/vite/bin/vite.js";
const WEBPACK = "../node_modules/webpack-cli/bin/cli.js";
const NEXT = "../node_modules/next/dist/bin/next";

export const TARGETS: readonly Target[] = [
  {
    name: "Vite, development server",
    app: "vite",
    splits: true,
    serve: (folder) => startServer(folder, [VITE, "--host", "127.0.0.1"]),
  },
  {
    name: "Vite, build",
    app: "vite",
    splits: true,
    isMeasured: true,
    serve: async (folder, model) => {
      const output = await run(folder, [VITE, "build", "--outDir", "built"]);
      return serveFolder(join(folder, "built"), join(folder, "built/index.html"), model, output);
    },
  },
  {
    name: "webpack",
    app: "webpack",
    splits: true,
    isMeasured: true,
    serve: async (folder, model) => {
      const output = await run(folder, [WEBPACK, "--mode", "production"]);
      return serveFolder(join(folder, "dist"), join(folder, "index.html"), model, output);
    },
  },
  {
    name: "Next",
    app: "next",
    splits: true,
    serve: (folder) => serveNext(folder, []),
  },
  {
    name: "Next with webpack",
    app: "next",
    splits: true,
    serve: (folder) => serveNext(folder, ["--webpack"]),
  },
  {
    name: "esbuild",
    app: "esbuild",
    splits: false,
    serve: (folder, model) => serveEsbuild(folder, model, "whole"),
  },
  {
    name: "esbuild, splitting",
    app: "esbuild",
    splits: true,
    isMeasured: true,
    serve: (folder, model) => serveEsbuild(folder, model, "split"),
  },
];

async function serveEsbuild(folder: string, model: string, as: "whole" | "split"): Promise<Server> {
  const { errors, warnings } = await build({
    entryPoints: [join(folder, "main.js")],
    outdir: join(folder, as),
    splitting: as === "split",
    bundle: true,
    minify: true,
    format: "esm",
    logLevel: "silent",
  });
  const output = [...errors, ...warnings].map(({ text }) => `warning: ${text}`).join("\n");
  return serveFolder(join(folder, as), join(folder, "index.html"), model, output);
}

async function serveNext(folder: string, options: readonly string[]): Promise<Server> {
  const built = await run(folder, [NEXT, "build", ...options]);
  const server = await startServer(folder, [NEXT, "start", "--hostname", "127.0.0.1", "--port", "0"]);
  return { ...server, output: () => built + server.output() };
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

async function serveFolder(folder: string, index: string, model: string, output: string): Promise<Server> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  const contents: Record<string, Content> = {
    "/": { file: index, type: "text/html" },
    "/model.gguf": { file: model },
  };
  for (const path of paths) {
    const type = TYPES[extname(path)];
    contents[path.slice(folder.length).replaceAll("\\", "/")] = { file: path, ...(type && { type }) };
  }
  const { origin, close } = await serve(contents, { isolated: false });
  return { origin, output: () => output, close };
}
