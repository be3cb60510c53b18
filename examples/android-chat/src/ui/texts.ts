/** Numbers as people read them. No Intl: not every Hermes has it. */
import type { DownloadProgress } from "@millet/core";

export function downloadText({
  loadedBytes,
  totalBytes,
  bytesPerSecond,
  remainingMs,
}: DownloadProgress): string {
  const share = totalBytes > 0 ? Math.floor((100 * loadedBytes) / totalBytes) : 0;
  const parts = [`${share}%`, `${megabytes(loadedBytes)} of ${megabytes(totalBytes)}`];
  if (bytesPerSecond !== undefined) parts.push(`${megabytes(bytesPerSecond)}/s`);
  if (remainingMs !== undefined) parts.push(`${Math.ceil(remainingMs / 1000)} s left`);
  return parts.join(", ");
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
