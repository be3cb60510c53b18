/**
 * Starts workers from source that is part of this module: Node's worker threads, or Blob workers in a browser, so that
 * no bundler needs to know of a worker file. A page whose content security policy forbids blob: gives a URL instead.
 */
import { MilletError } from "@millet/core/errors";
import { workerSource } from "../../../build/worker-source.js";
import type { HostMessage, WorkerMessage } from "./protocol.js";

export interface WorkerHandle {
  post(message: HostMessage, transfer?: readonly ArrayBuffer[]): void;
  /** Whether the worker keeps the process alive; Node only. */
  keepAlive(alive: boolean): void;
  terminate(): Promise<void>;
}

export interface WorkerEvents {
  onMessage(message: WorkerMessage): void;
  /** The worker has gone without being told to. @param advice a sentence, if there is something to do */
  onLost(reason: string, advice?: string): void;
}

/** @param url of the worker's script, if it must not come from a Blob */
export type Spawn = (name: string, events: WorkerEvents) => WorkerHandle;

/** @throws MilletError BACKEND_UNAVAILABLE if this platform has no workers */
export function spawnerOf(url: string | URL | undefined): Spawn {
  const node = globalThis.process?.getBuiltinModule?.("node:worker_threads");
  if (node) return (name, events) => spawnNode(node, url, name, events);
  if (typeof Worker === "undefined") {
    throw new MilletError(
      "BACKEND_UNAVAILABLE",
      "The CPU backend computes in workers, and this platform has none. Node needs to be 22.3 or newer.",
    );
  }
  return (name, events) => spawnBrowser(url, name, events);
}

type NodeThreads = typeof import("node:worker_threads");

/** Node takes the script from a file: URL; other addresses are for the pages of the same app. */
function spawnNode(
  node: NodeThreads,
  url: string | URL | undefined,
  name: string,
  events: WorkerEvents,
): WorkerHandle {
  let told = false;
  const worker = String(url).startsWith("file:")
    ? new node.Worker(new URL(String(url)), { name, stdin: false })
    : new node.Worker(workerSource, { eval: true, name, stdin: false });
  worker.unref();
  worker.on("message", (message: WorkerMessage) => events.onMessage(message));
  worker.on("error", (error) => events.onLost(String(error)));
  worker.on("exit", (code) => {
    if (!told) events.onLost(`it ended with exit code ${code}`);
  });
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
    terminate: async () => {
      told = true;
      await worker.terminate();
    },
  };
}

function spawnBrowser(url: string | URL | undefined, name: string, events: WorkerEvents): WorkerHandle {
  const address = url ?? URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const release = () => url === undefined && URL.revokeObjectURL(String(address));
  let started = false;
  const lost = (reason: string) => {
    release();
    events.onLost(reason, started ? undefined : adviceFor(url));
  };
  let worker: Worker | undefined;
  try {
    worker = new Worker(address, { name });
  } catch (error) {
    queueMicrotask(() => lost(String(error)));
    return { post: () => {}, keepAlive: () => {}, terminate: async () => {} };
  }
  worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
    if (!started) release();
    started = true;
    events.onMessage(data);
  };
  worker.onerror = (event) => lost(event.message || `its script ${url ?? "(a Blob)"} did not load`);
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    keepAlive: () => {},
    terminate: async () => worker.terminate(),
  };
}

/** What to do about a worker that never ran. */
function adviceFor(url: string | URL | undefined): string {
  if (url === undefined) {
    return (
      "If the page has a Content-Security-Policy, add blob: to its worker-src; or serve the file worker.js of " +
      '@millet/backend-cpu and give its address: cpu({ workerUrl: "/worker.js" }).'
    );
  }
  return (
    `See that ${url} is worker.js of this version of @millet/backend-cpu, on the page's own origin, allowed by ` +
    "worker-src of its Content-Security-Policy, and sent with the page's Cross-Origin-Embedder-Policy."
  );
}
