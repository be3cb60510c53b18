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
  /** The worker has gone without being told to. */
  onLost(reason: string): void;
}

/** @param url of the worker's script, if it must not come from a Blob */
export type Spawn = (name: string, events: WorkerEvents) => WorkerHandle;

/** @throws MilletError BACKEND_UNAVAILABLE if this platform has no workers */
export function spawnerOf(url: string | URL | undefined): Spawn {
  const node = globalThis.process?.getBuiltinModule?.("node:worker_threads");
  if (node) return (name, events) => spawnNode(node, name, events);
  if (typeof Worker === "undefined") {
    throw new MilletError(
      "BACKEND_UNAVAILABLE",
      "The CPU backend computes in workers, and this platform has none. Node needs to be 22.3 or newer.",
    );
  }
  return (name, events) => spawnBrowser(url, name, events);
}

type NodeThreads = typeof import("node:worker_threads");

function spawnNode(node: NodeThreads, name: string, events: WorkerEvents): WorkerHandle {
  let told = false;
  const worker = new node.Worker(workerSource, { eval: true, name, stdin: false });
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
  const blobUrl = url ?? URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const worker = new Worker(blobUrl, { name });
  worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
    if (url === undefined) URL.revokeObjectURL(String(blobUrl));
    events.onMessage(data);
  };
  worker.onerror = (event) =>
    events.onLost(event.message || `its script ${url ?? "(a Blob)"} could not be loaded`);
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    keepAlive: () => {},
    terminate: async () => worker.terminate(),
  };
}
