/** Vite as it comes, save for the headers that allow threads, and for where files are found. */
import { defineConfig } from "vite";

/** Isolate the page from other origins: only then do browsers share memory between threads. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  base: "./", // the build works in any folder of a web server
  appType: "mpa", // a wrong address of a model is not found, rather than answered with the page
  server: { headers },
  preview: { headers },
  // The development server bundles dependencies, which would part this one from the model's files beside it.
  optimizeDeps: { exclude: ["@millet/model-smollm2-135m-instruct"] },
});
