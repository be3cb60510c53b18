/** Prints what a shell evaluates so that programs run on SwiftShader: `eval "$(npx node scripts/software-gpu.ts)"`. */
import { findBrowser, HOW_TO_GET_A_BROWSER } from "./find-browser.ts";
import { findSoftwareGpu, softwareGpuEnvironment } from "./find-software-gpu.ts";

const folder = findSoftwareGpu(findBrowser());
if (folder === undefined) {
  console.error(`No SwiftShader found: ${HOW_TO_GET_A_BROWSER}.`);
  process.exitCode = 1;
} else {
  for (const [name, value] of Object.entries(softwareGpuEnvironment(folder))) {
    console.log(`export ${name}='${value}'`);
  }
}
