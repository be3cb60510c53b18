/** The version of this package; the build puts it in. */
declare const PACKAGE_VERSION: string;

export const VERSION = typeof PACKAGE_VERSION === "undefined" ? "source" : PACKAGE_VERSION;
