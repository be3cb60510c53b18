/** Which model the page loads: the GGUF file at the address in "?model=", or else the one that comes with Millet. */
import type { ModelPackage, ModelSource } from "@millet/core";
import smollm2 from "@millet/model-smollm2-135m-instruct";

export interface PageModel {
  readonly name: string;
  /** Where its bytes come from, and how many there are if known. */
  readonly origin: string;
  readonly source: ModelSource | ModelPackage;
}

export function pageModel(): PageModel {
  const address = new URLSearchParams(location.search).get("model");
  if (address !== null) return { name: address, origin: "fetched from this address", source: address };
  const byteLength = smollm2.files.reduce((sum, file) => sum + file.byteLength, 0);
  const origin = `${Math.round(byteLength / 1e6)} MB, fetched from this page's server`;
  return { name: smollm2.name, origin, source: smollm2 };
}
