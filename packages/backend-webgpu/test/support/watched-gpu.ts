/** A GPU whose devices are watched: which there are, buffers that are alive, submissions, and bytes read back. */

export class WatchedGpu {
  readonly gpu: GPU;
  readonly devices: GPUDevice[] = [];
  readonly liveBuffers = new Set<GPUBuffer>();
  submissions = 0;
  bytesRead = 0;

  readonly #misread: (code: string) => string;

  /** @param misread what becomes of a shader's code before the device sees it */
  constructor(gpu: GPU, { misread = (code: string) => code } = {}) {
    this.#misread = misread;
    this.gpu = forwarding(gpu, {
      requestAdapter: async (options?: GPURequestAdapterOptions) => {
        const adapter = await gpu.requestAdapter(options);
        return adapter && this.#watchAdapter(adapter);
      },
    });
  }

  get liveBytes(): number {
    return [...this.liveBuffers].reduce((sum, { size }) => sum + size, 0);
  }

  #watchAdapter(adapter: GPUAdapter): GPUAdapter {
    return forwarding(adapter, {
      requestDevice: async (descriptor?: GPUDeviceDescriptor) => {
        const device = await adapter.requestDevice(descriptor);
        this.devices.push(device);
        this.#watchDevice(device);
        return device;
      },
    });
  }

  /** In place: buffers and pipelines know the device that made them. */
  #watchDevice(device: GPUDevice): void {
    const createBuffer = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => this.#watchBuffer(createBuffer(descriptor));
    const createShaderModule = device.createShaderModule.bind(device);
    device.createShaderModule = (descriptor) =>
      createShaderModule({ ...descriptor, code: this.#misread(descriptor.code) });
    const submit = device.queue.submit.bind(device.queue);
    device.queue.submit = (commands) => {
      this.submissions++;
      submit(commands);
    };
  }

  #watchBuffer(buffer: GPUBuffer): GPUBuffer {
    this.liveBuffers.add(buffer);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      this.liveBuffers.delete(buffer);
      destroy();
    };
    const getMappedRange = buffer.getMappedRange.bind(buffer);
    buffer.getMappedRange = (offset, size) => {
      const range = getMappedRange(offset, size);
      this.bytesRead += range.byteLength;
      return range;
    };
    return buffer;
  }
}

/** An object that does as another, but for some members. */
function forwarding<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const own: unknown = Reflect.get(members, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
