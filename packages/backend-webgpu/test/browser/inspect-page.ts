/** What WebGPU offers in a page or in a worker of it: the same script runs in both. */
import { inspectWebgpu, type WebgpuReport } from "@millet/backend-webgpu";

/** A report as plain data. */
export interface PlainReport extends Omit<WebgpuReport, "error"> {
  readonly error?: { readonly code: string; readonly message: string; readonly reason: unknown };
}

declare global {
  interface Window {
    inspect(inWorker: boolean): Promise<PlainReport>;
  }
}

async function inspect(): Promise<PlainReport> {
  const { error, ...report } = await inspectWebgpu();
  if (!error) return report;
  return { ...report, error: { code: error.code, message: error.message, reason: error.details.reason } };
}

function inspectInWorker(): Promise<PlainReport> {
  const worker = new Worker(import.meta.url, { type: "module" });
  return new Promise<PlainReport>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<PlainReport>) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  }).finally(() => worker.terminate());
}

if ("document" in globalThis) window.inspect = (inWorker) => (inWorker ? inspectInWorker() : inspect());
else postMessage(await inspect());
