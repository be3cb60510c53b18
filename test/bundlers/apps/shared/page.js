/** The pages' entry: the test calls `generate` through the window. */
import { generate } from "./generate.js";

window.generate = () => generate(new URL("/model.gguf", location.href).href);
