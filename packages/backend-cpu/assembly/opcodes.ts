/**
 * The instruction set of a Program, read by the host (TypeScript) and by the engine (AssemblyScript): one list of
 * opcodes, and for each opcode the word at which an operand stands in its step. A step is
 * `[opcode | flags << 16, length in words, operands...]`. Addresses count units of 16 bytes; strides count 16-byte
 * units too; sizes count elements. "count" operands are addresses of an i32 that is set for every call.
 */

/** Bits of a step's flags. */
export enum StepFlag {
  /** All threads meet before this step. */
  Barrier = 1,
  /** Of linear: the products of rows 2i and 2i + 1 are added up and stored as row i. */
  AddPairs = 2,
}

export enum Opcode {
  End = 0,
  Embedding = 1,
  RmsNorm = 2,
  Quantize = 3,
  LinearQ4_0 = 4,
  LinearQ4_1 = 5,
  LinearQ8_0 = 6,
  LinearF16 = 7,
  LinearBF16 = 8,
  LinearF32 = 9,
  Add = 10,
  Mul = 11,
  Silu = 12,
  SwiGlu = 13,
  GatherRows = 14,
  KvWrite = 15,
  Attention = 16,
  KvPositions = 18,
  Rope = 19,
  Gelu = 20,
  GeluTanh = 21,
  GeGlu = 22,
  GeGluTanh = 23,
  SoftCap = 24,
  Scale = 25,
  LayerNorm = 26,
  Refine = 27,
  PackQ4_0 = 32,
  PackQ4_1 = 33,
  PackQ8_0 = 34,
  PackF16 = 35,
  PackBF16 = 36,
  PackF32 = 37,
  KvCopy = 48,
  KvRead = 49,
  KvStore = 50,
  Checksum = 56,
  LinearQ4_K = 64,
  LinearQ5_K = 65,
  LinearQ6_K = 66,
  LinearQ5_0 = 67,
  LinearQ5_1 = 68,
  LinearIQ4_NL = 69,
  LinearIQ4_XS = 70,
  LinearQ3_K = 71,
  LinearQ2_K = 72,
  PackQ4_K = 80,
  PackQ5_K = 81,
  PackQ6_K = 82,
  PackQ5_0 = 83,
  PackQ5_1 = 84,
  PackIQ4_NL = 85,
  PackIQ4_XS = 86,
  PackQ3_K = 87,
  PackQ2_K = 88,
}

/** How the packed weights of a tensor are laid out (docs/packed-layouts.md); also the operand `Embedding.Type`. */
export enum PackedType {
  Q4_0 = 0,
  Q4_1 = 1,
  Q8_0 = 2,
  F16 = 3,
  BF16 = 4,
  F32 = 5,
  Q4_K = 6,
  Q5_K = 7,
  Q6_K = 8,
  Q5_0 = 9,
  Q5_1 = 10,
  IQ4_NL = 11,
  IQ4_XS = 12,
  Q3_K = 13,
  Q2_K = 14,
}

/** How a step that may run in several ways shares its rows among threads. */
export enum Sharing {
  /** Threads take different rows. */
  Rows = 0,
  /** Every thread computes all rows into its own memory. */
  Replicated = 1,
  /** Threads write different groups of 8 features of all rows. */
  Features = 2,
}

/** y[row, :] = weight[tokens[row], :], gathered from the packed form. Shared by groups of 8 features. */
export enum EmbeddingOperand {
  Weight = 2,
  Type = 3,
  /** Rows of the weight; a token outside [0, Vocabulary) gives a row of zeros. */
  Vocabulary = 4,
  Width = 5,
  Tokens = 6,
  Count = 7,
  Y = 8,
  YStride = 9,
  /** f32 bits: factor on every element. */
  Scale = 10,
  Length = 11,
}

/** RmsNorm and LayerNorm: each group of columns of a row by itself (kernels/norm.ts). */
export enum NormOperand {
  X = 2,
  XStride = 3,
  Weight = 4,
  /** LayerNorm: added to the result; 0 for none. */
  Bias = 5,
  /** 1 if all groups have the same weight and bias. */
  SharedWeight = 6,
  /** f32 bits. */
  Epsilon = 7,
  /** Columns of a group. */
  Width = 8,
  Groups = 9,
  Count = 10,
  Y = 11,
  YStride = 12,
  Sharing = 13,
  /** Units between the copies of y of two threads, where replicated. */
  YPrivate = 14,
  Length = 15,
}

/** Rows of f32 to int8 blocks of 32 with scale and sum (see kernels/quantize.ts). */
export enum QuantizeOperand {
  X = 2,
  XStride = 3,
  XPrivate = 4,
  Width = 5,
  Count = 6,
  Y = 7,
  Sharing = 8,
  YPrivate = 9,
  Length = 10,
}

/** Each row of f32 as two: itself, and what its int8 form leaves of it (see kernels/refine.ts). */
export enum RefineOperand {
  X = 2,
  XStride = 3,
  XPrivate = 4,
  Width = 5,
  /** Of x. */
  Count = 6,
  Y = 7,
  YStride = 8,
  Sharing = 9,
  YPrivate = 10,
  Length = 11,
}

/** y[row, n] = sum_k x[row, k] * w[n, k]. Shared by groups of 8 features. */
export enum LinearOperand {
  Weight = 2,
  /** Groups of 8 output features. */
  Groups = 3,
  /** Inputs per row. */
  Width = 4,
  X = 5,
  /** Units between rows of f32 inputs; not used by quantized types. */
  XStride = 6,
  XPrivate = 7,
  Count = 8,
  Y = 9,
  YStride = 10,
  /** Work space of the first share; see LinearScratch. */
  Scratch = 11,
  ScratchPrivate = 12,
  Length = 13,
}

/** The work space of each share of `linear`, in this order; the native engine uses the last part alone. */
export enum LinearScratch {
  /** Unpacked weights (kernels/unpacked.ts). */
  WeightBytes = 28672,
  /** What a tile keeps (kernels/linear-tile.ts). */
  TileBytes = 192,
  /** Results, per row; rows padded to a multiple of 8. */
  RowBytes = 32,
  /** With StepFlag.AddPairs: results before they are added up, per row, for the 16 features that the native engine has at once. */
  PairBytes = 64,
}

/** y = op(a, b), element by element. Shared by groups of 8 features. */
export enum ElementwiseOperand {
  A = 2,
  AStride = 3,
  B = 4,
  BStride = 5,
  Y = 6,
  YStride = 7,
  Width = 8,
  Count = 9,
  /** f32 bits: the cap of SoftCap, the factor of Scale. */
  Value = 10,
  Length = 11,
}

/** y[i, :] = x[indices[i], :]. Shared by groups of 8 features. */
export enum GatherRowsOperand {
  X = 2,
  XStride = 3,
  Indices = 4,
  Y = 5,
  YStride = 6,
  Width = 7,
  Count = 8,
  Length = 9,
}

/** Stores the positions of the call's rows beside their cache rows. */
export enum KvPositionsOperand {
  Positions = 2,
  WriteRows = 3,
  Count = 4,
  /** Address of the word that holds the address of the state's table of blocks. */
  Blocks = 5,
  Length = 6,
}

/** Rotates K and stores K and V of the call's rows in the cache. Shared by (row, KV head). */
export enum KvWriteOperand {
  K = 2,
  KStride = 3,
  V = 4,
  VStride = 5,
  Count = 6,
  WriteRows = 7,
  Blocks = 8,
  /** Units from a block's first head to the layer's first head. */
  LayerOffset = 9,
  KvHeads = 10,
  HeadDim = 11,
  ValueDim = 12,
  /** Cosines and sines of the rows (see kernels/rope.ts); 0 for none. */
  Rotation = 13,
  RotationPairs = 14,
  Interleaved = 15,
  /** i32 counters of `Attention`, set to zero here. */
  Counters = 16,
  CounterCount = 17,
  Type = 18,
  /** Room for a head as f32 per thread, and units between that of two threads. */
  Scratch = 19,
  ScratchPrivate = 20,
  Length = 21,
}

/** Rotates Q and attends to the cached rows. Shared by tiles of four queries of one KV head. */
export enum AttentionOperand {
  Q = 2,
  QStride = 3,
  Y = 4,
  YStride = 5,
  Count = 6,
  Positions = 7,
  Sequences = 8,
  BlockTable = 9,
  BlockTableColumns = 10,
  Lengths = 11,
  Blocks = 12,
  LayerOffset = 13,
  Heads = 14,
  KvHeads = 15,
  HeadDim = 16,
  ValueDim = 17,
  /** f32 bits: factor on the scores. */
  Scale = 18,
  Causal = 19,
  /** 0 for none. */
  Window = 20,
  /** f32 bits; 0 for none. */
  SoftCap = 21,
  Rotation = 22,
  RotationPairs = 23,
  Interleaved = 24,
  /** Work space of a thread, and units between those of two threads. */
  Scratch = 25,
  ScratchPrivate = 26,
  /** Partial results of segments; 0 if a tile's segments are not shared among threads. */
  Partials = 27,
  MaxSegments = 28,
  Counters = 29,
  Type = 30,
  Length = 31,
}

/** y = rotated x, head by head. Shared by rows. */
export enum RopeOperand {
  X = 2,
  XStride = 3,
  Y = 4,
  YStride = 5,
  Count = 6,
  Heads = 7,
  HeadDim = 8,
  Rotation = 9,
  RotationPairs = 10,
  Interleaved = 11,
  Length = 12,
}

/** Raw weight rows as the file has them to a packed tensor's groups of 8 rows. Shared by groups. */
export enum PackOperand {
  Raw = 2,
  /** Rows in `Raw`; rows up to the next multiple of 8 become zero. */
  Rows = 3,
  Width = 4,
  Packed = 5,
  Length = 6,
}

/** A checksum of 64 bits per block of memory (kernels/checksum.ts). Shared by blocks, in turns. */
export enum ChecksumOperand {
  Data = 2,
  Blocks = 3,
  /** Units of 16 bytes, whole stripes of 128 bytes. */
  BlockUnits = 4,
  /** The same for the last block. */
  LastUnits = 5,
  /** u64 per block. */
  Sums = 6,
  Length = 7,
}

/** Rows of a KV cache between places. Shared by (layer, head). */
export enum KvRowsOperand {
  Blocks = 2,
  FromRow = 3,
  /** KvCopy only. */
  ToRow = 4,
  Count = 5,
  Layers = 6,
  KvHeads = 7,
  HeadDim = 8,
  ValueDim = 9,
  /** KvRead and KvStore: positions i32[Count], then keys, then values in canonical order. */
  Buffer = 10,
  Type = 11,
  Length = 12,
}

/** How a KV cache keeps its elements (kv.ts); operand `Type` of its steps. */
export enum KvType {
  F32 = 0,
  F16 = 1,
  Q8_0 = 2,
}

/** Rows of a block of the KV cache, and where its parts lie (kv.ts). */
export enum KvBlock {
  Rows = 32,
  /** Bytes of a block's positions. */
  PositionBytes = 128,
  /** Blocks of a group: what one head keeps of them lies together (kv.ts). */
  GroupBlocks = 8,
  /** Bytes of a block's entry in the table of blocks. */
  EntryBytes = 8,
  /** Blocks that make a segment of attention: partial results are merged per segment, in order. */
  SegmentBlocks = 16,
  /** Blocks of a segment whose scores become probabilities together. */
  SpanBlocks = 4,
  /** Bytes of a q8_0 tile: 32 scales as f16, then 32 x 32 codes. */
  TileBytes = 1088,
}
