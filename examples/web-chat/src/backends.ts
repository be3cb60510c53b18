/** The backends that the page offers, the first one chosen at the start. Another one is another line here. */
import { cpu } from "@millet/backend-cpu";
import { webgpu } from "@millet/backend-webgpu";
import type { BackendFactory } from "@millet/core";

export interface BackendChoice {
  /** On its button. */
  readonly label: string;
  readonly create: () => BackendFactory;
}

export const BACKENDS: readonly [BackendChoice, ...BackendChoice[]] = [
  { label: "CPU", create: () => cpu() },
  { label: "WebGPU", create: () => webgpu() },
  { label: "CPU, 1 thread", create: () => cpu({ threads: 1 }) },
];
