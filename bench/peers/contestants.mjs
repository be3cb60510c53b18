// Who takes part in the comparison: what is started for each, and what is known to be beyond it.
import { fileURLToPath } from "node:url";
import { V8_WITHOUT_VNNI } from "./avx2.mjs";

const script = (name) => fileURLToPath(new URL(name, import.meta.url));

const PRODUCTS = "matrix products only";
const BROWSER_PEER_LIMIT = 300e6;
const IN_CHROMIUM = { options: ["--js-flags", V8_WITHOUT_VNNI] };

/**
 * peers: whose speeds this one's are divided by. file: what it reads, the GGUF file or onnx-model.mjs's graph.
 * start: what is started for the time from the start of a process to the first token; packs: whether it can keep packed
 * weights, which is measured as well. mostBytes: files above are left out, for the reason given. avx2: how it is held to
 * AVX2 without VNNI, by options of its own or of Node, or started from avx2.mjs's copy. env: what its process is started
 * with besides this one's environment.
 */
export const CONTESTANTS = [
  {
    name: "millet-native",
    title: "Millet, native",
    peers: ["node-llama-cpp"],
    command: [script("speed-millet.mjs"), "--engine", "native"],
    avx2: { options: ["--isa", "avx2"] },
    start: [script("first-token-millet.mjs"), "--engine", "native"],
    packs: true,
  },
  {
    // As exact as the cache can be; by default both engines keep f16.
    name: "millet-native-f32",
    title: "Millet, native, KV cache in f32",
    peers: ["node-llama-cpp"],
    command: [script("speed-millet.mjs"), "--engine", "native", "--kv-type", "f32"],
    avx2: { options: ["--isa", "avx2"] },
  },
  {
    name: "millet-wasm",
    title: "Millet, WASM in Node",
    peers: ["node-llama-cpp"],
    command: [script("speed-millet.mjs"), "--engine", "wasm"],
    avx2: { nodeOptions: [V8_WITHOUT_VNNI] },
    start: [script("first-token-millet.mjs"), "--engine", "wasm"],
    packs: true,
  },
  {
    name: "node-llama-cpp",
    title: "node-llama-cpp, native",
    package: "node-llama-cpp",
    command: [script("speed-node-llama.mjs")],
    avx2: { fromCopy: true },
    start: [script("first-token-node-llama.mjs")],
  },
  {
    name: "onnxruntime-node",
    title: `onnxruntime-node, ${PRODUCTS}`,
    package: "onnxruntime-node",
    peers: ["node-llama-cpp"],
    file: "onnx",
    command: [script("speed-onnx.mjs")],
  },
  {
    name: "millet-chromium",
    title: "Millet, WASM in Chromium",
    peers: ["wllama"],
    command: [script("speed-browser.mjs"), "--engine", "millet"],
    avx2: IN_CHROMIUM,
  },
  {
    name: "wllama",
    title: "wllama in Chromium",
    package: "@wllama/wllama",
    mostBytes: BROWSER_PEER_LIMIT,
    tooLarge: "by its speed on the 135M class one run is expected to take many minutes",
    command: [script("speed-browser.mjs"), "--engine", "wllama"],
    avx2: IN_CHROMIUM,
  },
  {
    name: "onnxruntime-web",
    title: `onnxruntime-web in Chromium, ${PRODUCTS}`,
    package: "onnxruntime-web",
    peers: ["wllama"],
    file: "onnx",
    mostBytes: BROWSER_PEER_LIMIT,
    tooLarge:
      "with 84 MB the tab took over 600 MB, so ten times as much is not expected to fit into 32-bit memory",
    command: [script("speed-browser.mjs"), "--engine", "onnx"],
    avx2: IN_CHROMIUM,
  },
];

const LLAMA_VULKAN = "node-llama-cpp-vulkan";
const LLAMA_VULKAN_PLAIN = "node-llama-cpp-vulkan-plain";
const ONNX_WEBGPU = "onnxruntime-node-webgpu";

/** Who takes part on a GPU (`--gpu`). All of them find it through the system's Vulkan loader. */
export const GPU_CONTESTANTS = [
  {
    name: "millet-webgpu",
    title: "Millet, WebGPU in Node",
    peers: [LLAMA_VULKAN, LLAMA_VULKAN_PLAIN, ONNX_WEBGPU],
    command: [script("speed-millet.mjs"), "--engine", "webgpu"],
  },
  {
    name: LLAMA_VULKAN,
    title: "node-llama-cpp, Vulkan",
    package: "node-llama-cpp",
    command: [script("speed-node-llama.mjs"), "--engine", "vulkan"],
  },
  {
    // WebGPU gives no access to matrix units, so this is what prefill can be held against.
    name: LLAMA_VULKAN_PLAIN,
    title: "node-llama-cpp, Vulkan without cooperative matrices",
    package: "node-llama-cpp",
    command: [script("speed-node-llama.mjs"), "--engine", "vulkan"],
    env: { GGML_VK_DISABLE_COOPMAT: "1", GGML_VK_DISABLE_COOPMAT2: "1" },
  },
  {
    name: ONNX_WEBGPU,
    title: `onnxruntime-node, WebGPU, ${PRODUCTS}`,
    package: "onnxruntime-node",
    file: "onnx",
    command: [script("speed-onnx.mjs"), "--engine", "webgpu"],
  },
];
