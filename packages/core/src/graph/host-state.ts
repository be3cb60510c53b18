/**
 * The KV cache as the reference implementations see it: rows of keys and values per layer in host memory.
 * A row is a place in the cache, not a position in the text; each row remembers its position.
 */
export interface HostState {
  readonly blockRows: number;
  /** Position stored with each cache row, shared by all layers. [rows] */
  readonly positions: Int32Array;
  /** Keys of a layer, to be read only. [rows, kvHeads * headDim] */
  keys(layer: number): Float32Array;
  /** Values of a layer, to be read only. [rows, kvHeads * valueDim] */
  values(layer: number): Float32Array;
  /** Keeps a row's position, keys and values, rounded as the cache's type asks. */
  store(layer: number, row: number, position: number, keys: Float32Array, values: Float32Array): void;
}
