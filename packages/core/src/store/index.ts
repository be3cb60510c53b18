/** Where model files come from and live: the public face of this folder. */
export { createStore } from "./create-store.js";
export { openSource } from "./open.js";
export { findPackage } from "./packages.js";
export { rememberSource, type SourceRecipe } from "./remember.js";
export type {
  ByteSource,
  DownloadProgress,
  FileLocation,
  HubOptions,
  ModelFiles,
  ModelSource,
  NetworkUse,
  RemoteFile,
  RemoteModel,
  RemoteStore,
  SourceOptions,
} from "./source.js";
export type {
  PullOptions,
  Store,
  StoreCallOptions,
  StoredFile,
  StoreFiles,
  StoreOptions,
  StorePlaceReport,
  VerifyReport,
} from "./store.js";
