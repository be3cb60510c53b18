/** `millet verify`: reads what is stored against its checksums. */
import { createStore, MilletError, type VerifyReport } from "@millet/core";
import { type Context, defineCommand } from "../command.js";
import { flag } from "../options.js";
import { ProgressBar } from "../terminal/progress.js";

const OPTIONS = { repair: flag("Fetch again what is damaged.") };

export const verify = defineCommand({
  name: "verify",
  summary: "Check downloaded models, and repair them.",
  positionals: ["[model]"],
  options: OPTIONS,
  notes: ["It ends with exit code 1 if something is damaged and was not repaired."],
  run,
});

async function run({ options, positionals, io, signal }: Context<typeof OPTIONS>): Promise<void> {
  const bar = new ProgressBar(io.stderr);
  let reports: readonly VerifyReport[];
  try {
    reports = await createStore().verify(positionals[0], {
      signal,
      repair: options.repair,
      onProgress: ({ file, loadedBytes, totalBytes }) =>
        bar.update(`Checking ${file}`, loadedBytes, totalBytes),
    });
  } finally {
    bar.clear();
  }
  if (positionals[0] !== undefined && reports.length === 0)
    throw new MilletError(
      "SOURCE_NOT_FOUND",
      `There is no ${positionals[0]} in the store: see "millet list".`,
    );
  if (options.json) io.stdout.json({ reports });
  else for (const report of reports) io.stdout.line(`${report.file.address}: ${verdict(report)}`);
  const damaged = reports.filter(({ damagedChunks, isRepaired }) => damagedChunks > 0 && !isRepaired);
  if (damaged.length > 0) {
    const [first] = damaged;
    throw new MilletError(
      "SOURCE_CORRUPT",
      `${damaged.length} of ${reports.length} files are damaged. ` +
        (options.repair ? `${first?.problem}` : 'Run "millet verify --repair".'),
    );
  }
}

function verdict({ damagedChunks, isRepaired, problem }: VerifyReport): string {
  if (damagedChunks === 0) return "as it was downloaded";
  const pieces = `${damagedChunks} damaged ${damagedChunks === 1 ? "piece" : "pieces"}`;
  return isRepaired ? `${pieces}, repaired` : `${pieces}${problem === undefined ? "" : `: ${problem}`}`;
}
