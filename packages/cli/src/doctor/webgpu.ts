/** What `millet doctor` says of WebGPU. Models run without it, so that its absence is no failure. */
import type { WebgpuDeviceReport, WebgpuReport } from "@millet/backend-webgpu";
import { formatBytes } from "../format.js";
import type { Finding } from "./finding.js";
import { vulkanDrivers } from "./vulkan.js";

const AREA = "Backend webgpu";

export function webgpuFindings({ package: found, device, error }: WebgpuReport): Finding[] {
  const source: Finding[] = found
    ? [{ area: AREA, verdict: "ok", text: `from the package webgpu ${found.version} at ${found.path}` }]
    : [];
  if (device) return [...deviceFindings(device), ...source];
  const drivers = found && vulkanDrivers();
  return [
    { area: AREA, verdict: "limited", text: `${error?.code}: ${error?.message}` },
    ...source,
    ...(drivers === undefined ? [] : [{ area: AREA, verdict: "limited", text: drivers } as const]),
  ];
}

function deviceFindings({
  description,
  features,
  limits,
  limitations,
  choices,
}: WebgpuDeviceReport): Finding[] {
  const names = (present: boolean) =>
    Object.entries(features).flatMap(([name, has]) => (has === present ? [name] : []));
  const lacks = names(false);
  const texts = [
    description,
    `features: ${names(true).join(", ") || "none"}${lacks.length > 0 ? `; not: ${lacks.join(", ")}` : ""}`,
    `buffers up to ${formatBytes(limits.maxBufferSize ?? 0)}, ` +
      `of which kernels see up to ${formatBytes(limits.maxStorageBufferBindingSize ?? 0)} at once; ` +
      `workgroups up to ${limits.maxComputeInvocationsPerWorkgroup} threads with ` +
      formatBytes(limits.maxComputeWorkgroupStorageSize ?? 0),
    ...choices,
  ];
  return [
    ...texts.map((text): Finding => ({ area: AREA, verdict: "ok", text })),
    ...limitations.map((text): Finding => ({ area: AREA, verdict: "limited", text })),
  ];
}
