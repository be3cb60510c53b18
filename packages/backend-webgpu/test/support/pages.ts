/** Pages and workers of the browser tests: bundled from a script beside the test, served on loopback. */
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Content, type StaticServer, serve } from "../../../../test/support/static-server.js";

const html = (script: string) => `<!doctype html><meta charset="utf-8" /><title>Millet</title>
<link rel="icon" href="data:," /><script type="module" src="/${script}"></script>`;

/**
 * Bundles scripts as an app's build does, and serves a page per script: "/a" runs a.ts, whose file is "/a.js".
 * @param scripts by URL, a.ts
 */
export async function servePages(
  scripts: readonly URL[],
  contents: Readonly<Record<string, Content>> = {},
): Promise<StaticServer> {
  const { outputFiles } = await build({
    entryPoints: scripts.map((url) => fileURLToPath(url)),
    outdir: "out",
    bundle: true,
    splitting: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    logLevel: "error",
  });
  const files = outputFiles.map(
    ({ path, text }) => [`/${basename(path)}`, { type: "text/javascript", text }] as const,
  );
  const pages = scripts.map((url) => {
    const name = basename(url.pathname, ".ts");
    return [`/${name}`, { type: "text/html", text: html(`${name}.js`) }] as const;
  });
  return serve(
    { ...Object.fromEntries(files), ...Object.fromEntries(pages), ...contents },
    { isolated: false },
  );
}
