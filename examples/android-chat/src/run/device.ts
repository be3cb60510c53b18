/** What is known of the phone: from Android, and from the NNAPI drivers that it lists. Collected on the phone, sent nowhere. */

/** As the native module tells it. */
export interface NativeFacts {
  readonly manufacturer: string;
  readonly model: string;
  /** Empty before Android 12, which says first. */
  readonly socManufacturer: string;
  readonly socModel: string;
  readonly board: string;
  readonly hardware: string;
  readonly androidVersion: string;
  readonly apiLevel: number;
  readonly securityPatch: string;
  /** Tells this build of the system, drivers included, from any other. */
  readonly fingerprint: string;
  readonly abis: readonly string[];
  readonly cores: number;
  readonly totalMemoryBytes: number;
  readonly availableMemoryBytes: number;
  readonly isLowOnMemory: boolean;
  /** Of the app's Java heap. */
  readonly heapLimitBytes: number;
}

export type NnapiDeviceType = "unknown" | "other" | "cpu" | "gpu" | "accelerator";

/** A driver, as ANeuralNetworks_getDevice lists it (Android 10 and later). */
export interface NnapiDevice {
  readonly name: string;
  readonly version: string;
  readonly type: NnapiDeviceType;
  readonly featureLevel: number;
}

export interface DeviceFacts {
  readonly system: NativeFacts | undefined;
  readonly nnapiDevices: readonly NnapiDevice[];
  /** Why something above is missing. */
  readonly notes: readonly string[];
}

/** The native module "DeviceFacts" of this example; absent where it was not built in. */
export interface DeviceFactsModule {
  read(): Promise<NativeFacts>;
  /** A line per driver: name, version, type as a number, feature level, between tabs. @throws where they cannot be listed */
  listNnapiDevices(): Promise<readonly string[]>;
}

/** ANeuralNetworksDevice_getType's numbers. */
const TYPES: readonly NnapiDeviceType[] = ["unknown", "other", "cpu", "gpu", "accelerator"];

export async function readDeviceFacts(native: DeviceFactsModule | undefined): Promise<DeviceFacts> {
  if (native === undefined)
    return { system: undefined, nnapiDevices: [], notes: ["The app was built without its native module."] };
  const notes: string[] = [];
  const orNote = async <T>(what: string, fallback: T, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      notes.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return fallback;
    }
  };
  const system = await orNote("Android's facts", undefined, async () => native.read());
  const lines = await orNote<readonly string[]>("NNAPI's drivers", [], () => native.listNnapiDevices());
  const nnapiDevices = lines.map(parseDevice);
  if (system !== undefined && lines.length > 0 && nnapiDevices.every(({ type }) => type === "cpu"))
    notes.push("NNAPI has no driver for an accelerator here: it would compute on its slow reference CPU.");
  return { system, nnapiDevices, notes };
}

function parseDevice(line: string): NnapiDevice {
  const [name = "", version = "", type = "", level = ""] = line.split("\t");
  return { name, version, type: TYPES[Number(type)] ?? "unknown", featureLevel: Number(level) || 0 };
}
