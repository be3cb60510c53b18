/** The pages' entry: the test calls both functions through the window. */
import { findGpu, generate } from "./generate.js";

window.findGpu = findGpu;
window.generate = () => generate(new URL("/model.gguf", location.href).href);
