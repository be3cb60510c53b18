/** `millet pull`: brings a model into the store, so that it loads without a network; with --repair mends what is stored. */
import { createStore, type StoredFile } from "@millet/core";
import { type Context, defineCommand } from "../command.js";
import { formatBytes, formatTable } from "../format.js";
import { flag } from "../options.js";
import { downloadDetail, fileRow } from "../store.js";
import { ProgressBar } from "../terminal/progress.js";

const OPTIONS = {
  repair: flag("Read what is stored against its checksums, and fetch again what is damaged."),
};

export const pull = defineCommand({
  name: "pull",
  summary: "Download a model, or go on with a download.",
  positionals: ["<model>"],
  options: OPTIONS,
  notes: [
    "A model is hf:owner/repo, hf:owner/repo:Q4_0, hf:owner/repo/file.gguf or an http(s) address. What was downloaded",
    "before is kept; a download that was interrupted goes on where it stopped.",
    "",
    "MILLET_CACHE names the folder of the store, HF_TOKEN a token for private models, HF_ENDPOINT another hub.",
  ],
  run,
});

async function run({ options, positionals, io, signal }: Context<typeof OPTIONS>): Promise<void> {
  const source = positionals[0]!;
  const bar = new ProgressBar(io.stderr);
  let files: readonly StoredFile[];
  try {
    files = await createStore().pull(source, {
      signal,
      repair: options.repair,
      onNote: (text) => io.stderr.line(`note: ${text}`),
      onProgress: (progress) =>
        bar.update(
          `${options.repair ? "Checking" : "Downloading"} ${progress.file}`,
          progress.loadedBytes,
          progress.totalBytes,
          downloadDetail(progress),
        ),
    });
  } finally {
    bar.clear();
  }
  if (options.json) return io.stdout.json({ files });
  for (const line of formatTable(files.map(fileRow), [1])) io.stdout.line(line);
  const total = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
  io.stdout.line(`${formatBytes(total)}, complete. Load it by: millet chat ${source}`);
}
