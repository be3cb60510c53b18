/**
 * What a worker runs: it instantiates the engine and serves calls until it is terminated. Bundled to a string by
 * scripts/build-worker.js, for Node's worker threads and the browser's workers alike; it imports nothing of either.
 */
import { type Allocated, allocate } from "./allocate.js";
import type { HostMessage, StartMessage, WorkerMessage } from "./protocol.js";
import { serveShared } from "./worker-shared.js";
import type { EngineExports, Post } from "./worker-types.js";
import { UnsharedServer } from "./worker-unshared.js";

interface MessagePortLike {
  postMessage(message: WorkerMessage, transfer?: readonly ArrayBuffer[]): void;
  on(event: "message", listener: (message: HostMessage) => void): void;
}

interface WorkerScope {
  postMessage(message: WorkerMessage, transfer?: readonly ArrayBuffer[]): void;
  onmessage: ((event: { readonly data: HostMessage }) => void) | null;
}

declare const self: WorkerScope;

let server: UnsharedServer | undefined;

function receive(message: HostMessage, post: Post): void {
  if (message.type === "start") void start(message, post);
  else server?.receive(message);
}

async function start(message: StartMessage, post: Post): Promise<void> {
  const allocated = memoryOf(message, post);
  if (!allocated) return;
  const { memory, maximum } = allocated;
  let ready = false;
  try {
    const instance = await WebAssembly.instantiate(message.module, { env: { memory } });
    const engine = instance.exports as WebAssembly.Exports & EngineExports;
    const found = engine.initialize();
    if (message.dot !== undefined) engine.setDot(message.dot);
    post({ type: "ready", dot: message.dot ?? found, maximumPages: maximum });
    ready = true;
    if (memory === message.memory) serveShared(engine, memory, message, post);
    else server = new UnsharedServer(engine, memory, post);
  } catch (error) {
    post({ type: ready ? "lost" : "failed", message: String(error) });
  }
}

/** The host's memory, or one of the size that the host asks for. */
function memoryOf({ memory }: StartMessage, post: Post): Allocated | undefined {
  if (memory instanceof WebAssembly.Memory) return { memory, maximum: 0 };
  try {
    return allocate(memory.initial, memory.maximum, false);
  } catch (error) {
    post({ type: "no memory", message: String(error) });
    return undefined;
  }
}

function listen(): void {
  const node = globalThis.process?.getBuiltinModule?.("node:worker_threads").parentPort as
    | MessagePortLike
    | null
    | undefined;
  if (node) {
    const post: Post = (message, transfer) => node.postMessage(message, transfer);
    node.on("message", (message) => receive(message, post));
    return;
  }
  if (typeof self === "undefined" || "document" in self) return; // imported where it does not belong
  const post: Post = (message, transfer) => self.postMessage(message, transfer);
  self.onmessage = (event) => receive(event.data, post);
}

listen();
