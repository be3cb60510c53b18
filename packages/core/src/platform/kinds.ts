/** Whether a value is of a class that not every engine has: Hermes alone knows neither URLs nor Blobs. */

export function isUrl(value: unknown): value is URL {
  return typeof URL !== "undefined" && value instanceof URL;
}

export function isBlob(value: unknown): value is Blob {
  return typeof Blob !== "undefined" && value instanceof Blob;
}
