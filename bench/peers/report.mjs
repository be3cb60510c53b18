// Tables of a result of peers.mjs: for the terminal, and for docs/benchmarks.md between its two marks.
import { readFile, writeFile } from "node:fs/promises";

const DOCUMENT = new URL("../../docs/benchmarks.md", import.meta.url);
const BEGIN = "<!-- bench:peers begins: written by npm run bench:peers -- --markdown -->";
const END = "<!-- bench:peers ends -->";
const HEAD = [
  "engine",
  "prefill tok/s",
  "decode tok/s",
  "load ms",
  "start to first token ms",
  "with packed file",
  "peak MB",
  "of read bandwidth",
  "prefill, decode",
];

export function formatText(result) {
  const parts = result.models.map(({ name, contestants }) => {
    const rows = tableRows(contestants, "median");
    const widths = HEAD.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
    const line = (cells) =>
      cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
    return [name, line(HEAD), ...rows.map(line), ...notRun(contestants)].join("\n");
  });
  return [...headLines(result), ...parts].join("\n\n");
}

/** Replaces what stands between the marks of docs/benchmarks.md by the tables of these runs. */
export async function writeDocument(results) {
  const text = await readFile(DOCUMENT, "utf8");
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/benchmarks.md lacks the marks ${BEGIN} and ${END}.`);
  await writeFile(
    DOCUMENT,
    `${text.slice(0, begin + BEGIN.length)}\n\n${results.map(formatMarkdown).join("\n\n")}\n\n${text.slice(end)}`,
  );
}

function formatMarkdown(result) {
  const tables = result.models.flatMap(({ name, contestants }) => [
    `### ${name}${result.command.includes("--isa avx2") ? ", limited to AVX2" : ""}`,
    ...headLines(result),
    "Medians:",
    markdownTable(tableRows(contestants, "median")),
    ...(result.settings.runs > 1 ? ["Bests:", markdownTable(tableRows(contestants, "best"))] : []),
    ...notRun(contestants).map((line) => `- ${line}`),
  ]);
  return tables.join("\n\n");
}

function markdownTable(rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(HEAD), line(HEAD.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

function headLines({ date, command, machine, versions, settings, readBytesPerSecond }) {
  const { runs, repeat, threads, promptTokens, genTokens } = settings;
  const bandwidth =
    readBytesPerSecond === null ? "not measured" : `${(readBytesPerSecond / 1e9).toFixed(1)} GB/s`;
  const memory = `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`;
  const gpu = machine.gpu === undefined ? "" : `${machine.gpu}; `;
  return [
    `${date.slice(0, 10)}, \`${command}\``,
    `${gpu}${machine.cpu}, ${machine.cores} cores, ${memory}, ${machine.system}; read bandwidth ${bandwidth}.`,
    `${Object.entries(versions)
      .map((entry) => entry.join(" "))
      .join(", ")}.`,
    `${threads} threads, ${promptTokens} tokens of prompt, ${genTokens} generated; rounds: ${runs}, in each a process ` +
      `per engine with one run to warm up and ${repeat} measured.`,
  ];
}

function tableRows(contestants, statistic) {
  const speeds = Object.fromEntries(
    contestants.map((contestant) => [contestant.name, contestant[statistic]]),
  );
  return contestants
    .filter(({ notRun }) => notRun === undefined)
    .map(({ name, title, peers = [] }) => {
      const row = speeds[name];
      return [
        title,
        row.prefillTokensPerSecond.toFixed(1),
        row.decodeTokensPerSecond.toFixed(1),
        row.loadMs.toFixed(0),
        row.startMs?.toFixed(0) ?? "",
        row.startPackedMs?.toFixed(0) ?? "",
        row.peakRssBytes === null ? "" : (row.peakRssBytes / 1e6).toFixed(0),
        row.bandwidthFraction === undefined ? "" : `${(row.bandwidthFraction * 100).toFixed(0)}%`,
        peers.flatMap((peer) => ratios(row, speeds[peer], peer)).join("; "),
      ];
    });
}

/** ["1.7 x, 3.5 x node-llama-cpp"], or nothing where the peer did not run. */
function ratios(row, peerRow, peer) {
  if (peerRow === undefined) return [];
  const ratio = (measure) => `${(row[measure] / peerRow[measure]).toFixed(2)} x`;
  return [`${ratio("prefillTokensPerSecond")}, ${ratio("decodeTokensPerSecond")} ${peer}`];
}

const notRun = (contestants) =>
  contestants.flatMap(({ title, notRun }) => (notRun === undefined ? [] : [`${title}: not run: ${notRun}`]));
