/** Models by the names of installed packages. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { openSource } from "../../src/store/index.js";
import { failure, removeFolders, temporaryFolder } from "./store-support.js";

afterEach(() => vi.restoreAllMocks());
afterAll(removeFolders);

/** An app's folder with packages, in which the process seems to run. */
function app(packages: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, script] of Object.entries(packages)) {
    const at = join(folder, "node_modules", name);
    mkdirSync(at, { recursive: true });
    writeFileSync(
      join(at, "package.json"),
      JSON.stringify({ name, type: "module", exports: { ".": { default: "./index.js" } } }),
    );
    writeFileSync(join(at, "index.js"), script);
    writeFileSync(join(at, "tiny.gguf"), `bytes of ${name}`);
  }
  vi.spyOn(process, "cwd").mockReturnValue(folder);
  return folder;
}

const MODEL = `export const model = { files: [{ name: "tiny.gguf", location: new URL("./tiny.gguf", import.meta.url) }] };`;

async function read(name: string): Promise<string> {
  const source = await openSource(name);
  const bytes = await source.read(0, source.byteLength);
  await source.close();
  return new TextDecoder().decode(bytes);
}

describe("a bare name", () => {
  it("is that of a package as the app sees it", async () => {
    app({
      "@millet/model-tiny": MODEL,
      "@acme/llm": `export default ${MODEL.slice("export const model = ".length)}`,
    });
    expect(await read("@millet/model-tiny")).toBe("bytes of @millet/model-tiny");
    expect(await read("model-tiny")).toBe("bytes of @millet/model-tiny");
    expect(await read("@acme/llm")).toBe("bytes of @acme/llm");
  });

  it("of nothing that is installed says what to install", async () => {
    app({});
    const error = await failure(read("model-none"));
    expect([error.code, error.message]).toEqual([
      "SOURCE_NOT_FOUND",
      expect.stringContaining("npm install @millet/model-none"),
    ]);
  });

  it("of a package without a model says so", async () => {
    app({ "@acme/other": "export const x = 1;" });
    expect((await failure(read("@acme/other"))).code).toBe("INVALID_ARGUMENT");
  });

  it("in a page says to import it", async () => {
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
    vi.stubGlobal("process", { ...process, getBuiltinModule: undefined });
    const error = await failure(openSource("@millet/model-tiny"));
    vi.unstubAllGlobals();
    expect([error.code, error.message]).toEqual([
      "UNSUPPORTED_PLATFORM",
      expect.stringContaining('import { model } from "@millet/model-tiny"'),
    ]);
  });
});
