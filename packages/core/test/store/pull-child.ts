/** A process that pulls `address` into the store of `folder`: for tests that kill it, or run several. */
import { createStore } from "../../src/store/index.js";

const [folder, address, chunkBytes] = process.argv.slice(2) as [string, string, string];
let waited = false;
process.stdout.write("begin\n");
try {
  const [file] = await createStore({ folder, chunkBytes: Number(chunkBytes) }).pull(address, {
    onProgress({ isWaiting }) {
      waited ||= isWaiting;
    },
  });
  process.stdout.write(`${JSON.stringify({ sha256: file?.sha256, waited })}\n`);
} catch (error) {
  process.stdout.write(
    `${JSON.stringify({ code: (error as { code?: string }).code, message: String(error) })}\n`,
  );
}
