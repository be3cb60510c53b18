import { readFileSync } from "node:fs";
import { defineConfig } from "tsup";
import { preset } from "../../tsup.preset.js";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };

export default defineConfig(
  preset({ keepsComments: true, define: { PACKAGE_VERSION: JSON.stringify(version) } }),
);
