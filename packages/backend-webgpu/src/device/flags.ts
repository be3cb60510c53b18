/** Bits of WebGPU's buffer usages and map modes: globals in browsers, absent in Node (WebGPU, section 5.1). */
export const BufferUsage = {
  MapRead: 0x1,
  MapWrite: 0x2,
  CopySource: 0x4,
  CopyTarget: 0x8,
  Uniform: 0x40,
  Storage: 0x80,
  QueryResolve: 0x200,
} as const;

export const MAP_READ = 0x1;
export const STAGE_COMPUTE = 0x4;
