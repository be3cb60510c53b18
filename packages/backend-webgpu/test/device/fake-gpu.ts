/** A WebGPU entry point that behaves as told, for failures that no driver gives at will. Computes nothing. */

export interface FakeAdapter {
  /** Limits that differ from what kernels need. */
  readonly limits?: Partial<Record<keyof GPUSupportedLimits, number>>;
  /** How the request for a device ends; default: with a device. */
  readonly device?: Error;
  /** How the device is lost; default: never. */
  readonly lost?: { readonly reason: GPUDeviceLostReason; readonly message: string };
  readonly onDestroy?: () => void;
}

/** @param adapter what the request for an adapter gives, or fails with */
export function fakeGpu({ adapter }: { readonly adapter: FakeAdapter | Error | null }): GPU {
  const fake: Pick<GPU, "requestAdapter"> = {
    requestAdapter: async () => {
      if (adapter instanceof Error) throw adapter;
      return adapter && fakeAdapter(adapter);
    },
  };
  return fake as GPU;
}

const INFO = { vendor: "acme", architecture: "one", device: "", description: "", isFallbackAdapter: false };

function fakeAdapter({ limits, device, lost, onDestroy }: FakeAdapter): GPUAdapter {
  const common = {
    features: new Set<string>(),
    limits: new Proxy({}, { get: (_, name) => limits?.[name as keyof GPUSupportedLimits] ?? 2 ** 30 }),
  };
  const made = {
    ...common,
    adapterInfo: INFO,
    lost: lost ? Promise.resolve(lost) : new Promise(() => {}),
    destroy: () => onDestroy?.(),
  };
  const fake = {
    ...common,
    info: INFO,
    requestDevice: async () => {
      if (device) throw device;
      return made;
    },
  };
  return fake as object as GPUAdapter;
}
