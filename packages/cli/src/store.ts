/** The store of downloads as commands use it: options, progress in words, tables of files. */
import type { DownloadProgress, NetworkUse, StoredFile } from "@millet/core";
import { formatBytes, formatMs } from "./format.js";
import { flag, type OptionValues } from "./options.js";

export const STORE_OPTIONS = {
  offline: flag("Send no request: use what is stored, or say that it is not."),
  "no-store": flag("Read the model from its server and keep nothing."),
};

/** For loadModel. */
export function storeOptions(values: Partial<OptionValues<typeof STORE_OPTIONS>>): {
  network?: NetworkUse;
  store?: false;
} {
  return { ...(values.offline && { network: "none" }), ...(values["no-store"] && { store: false }) };
}

/** "12 MB/s, 1 min 5 s left"; empty while nobody knows. */
export function downloadDetail({
  bytesPerSecond,
  isWaiting,
  remainingMs,
}: { readonly [K in keyof DownloadProgress]?: DownloadProgress[K] | undefined }): string {
  const parts = [
    isWaiting ? "another process downloads it" : "",
    bytesPerSecond === undefined ? "" : `${formatBytes(bytesPerSecond)}/s`,
    remainingMs ? `${formatMs(remainingMs)} left` : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** Cells of a table: address, size, state. */
export function fileRow({ address, byteLength, storedBytes, usedAt }: StoredFile): string[] {
  const isWhole = storedBytes >= byteLength;
  const used = usedAt === undefined ? "" : `used ${usedAt.toISOString().slice(0, 10)}`;
  return [
    address,
    formatBytes(byteLength),
    isWhole ? used : `incomplete, ${Math.floor((100 * storedBytes) / byteLength)}% is here`,
  ];
}
