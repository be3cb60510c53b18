/** `millet remove`: takes models out of the store. */
import { createStore, MilletError, type StoredFile } from "@millet/core";
import { type Context, defineCommand } from "../command.js";
import { formatBytes } from "../format.js";

export const remove = defineCommand({
  name: "remove",
  summary: "Remove downloaded models.",
  positionals: ["<model>", "[model...]"],
  options: {},
  notes: [
    "A model is named as `millet list` names it, by its file's name, or by hf:owner/repo for all of its files.",
  ],
  run,
});

async function run({ options, positionals, io }: Context<Record<never, never>>): Promise<void> {
  const store = createStore();
  const removed: StoredFile[] = [];
  for (const selector of positionals) {
    const files = await store.remove(selector);
    if (files.length === 0) throw await notRemovedError(selector, await store.list());
    removed.push(...files);
    if (options.json) continue;
    for (const { address, storedBytes } of files)
      io.stdout.line(`removed ${address}, ${formatBytes(storedBytes)}`);
  }
  if (options.json) io.stdout.json({ removed });
}

async function notRemovedError(selector: string, files: readonly StoredFile[]): Promise<MilletError> {
  const isThere = files.some(({ address, name }) => name === selector || address.startsWith(selector));
  return isThere
    ? new MilletError(
        "STORE_FAILED",
        `${selector} is in use and was not removed. Close what uses it, and try again.`,
      )
    : new MilletError("SOURCE_NOT_FOUND", `There is no ${selector} in the store: see "millet list".`);
}
