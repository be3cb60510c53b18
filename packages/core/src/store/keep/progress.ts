/** Adds up how far the download of several files is. */
import type { DownloadProgress } from "../source.js";
import { Rate } from "./rate.js";

const REPORT_MS = 50;

/** One file's part of the whole. */
export interface FileProgress {
  /** @param loadedBytes what is there at the beginning */
  begin(loadedBytes: number, totalBytes: number): void;
  /** Bytes that came over the network, or, negative, turned out to be of no use. */
  add(bytes: number): void;
  /** As another process reports it. */
  waitFor(loadedBytes: number, totalBytes: number): void;
}

export class ProgressMeter {
  readonly #report: ((progress: DownloadProgress) => void) | undefined;
  readonly #rate = new Rate();
  readonly #files = new Map<string, { loaded: number; total: number }>();
  #reportedMs = -Infinity;

  constructor(report: ((progress: DownloadProgress) => void) | undefined) {
    this.#report = report;
  }

  /** @param byteLength if it is known before anything was asked */
  file(name: string, byteLength: number | undefined): FileProgress {
    const state = { loaded: 0, total: byteLength ?? 0 };
    this.#files.set(name, state);
    const change = (loaded: number, total: number, isWaiting: boolean) => {
      const moved = loaded - state.loaded;
      if (isWaiting && moved > 0) this.#rate.add(moved);
      Object.assign(state, { loaded, total });
      this.#emit(name, isWaiting, loaded >= total);
    };
    return {
      begin: (loaded, total) => change(loaded, total, false),
      add: (bytes) => {
        if (bytes > 0) this.#rate.add(bytes);
        change(state.loaded + bytes, state.total, false);
      },
      waitFor: (loaded, total) => change(loaded, total, true),
    };
  }

  #emit(file: string, isWaiting: boolean, isForced: boolean): void {
    const now = performance.now();
    if (!this.#report || (!isForced && now - this.#reportedMs < REPORT_MS)) return;
    this.#reportedMs = now;
    let [loadedBytes, totalBytes] = [0, 0];
    for (const { loaded, total } of this.#files.values()) {
      loadedBytes += loaded;
      totalBytes += total;
    }
    const { bytesPerSecond } = this.#rate;
    const remainingMs = bytesPerSecond && (Math.max(0, totalBytes - loadedBytes) * 1000) / bytesPerSecond;
    this.#report({ file, loadedBytes, totalBytes, bytesPerSecond, remainingMs, isWaiting });
  }
}
