/** `millet list`: what is in the store. */
import { createStore } from "@millet/core";
import { type Context, defineCommand } from "../command.js";
import { formatBytes, formatTable } from "../format.js";
import { fileRow } from "../store.js";

export const list = defineCommand({
  name: "list",
  summary: "List the models that were downloaded.",
  positionals: [],
  options: {},
  notes: [],
  run,
});

async function run({ options, io }: Context<Record<never, never>>): Promise<void> {
  const store = createStore();
  const place = await store.place();
  const files = await store.list();
  if (options.json) return io.stdout.json({ place, files });
  for (const line of formatTable(files.map(fileRow), [1])) io.stdout.line(line);
  const free = place.availableBytes === undefined ? "" : `, ${formatBytes(place.availableBytes)} free`;
  io.stdout.line(`${formatBytes(place.storedBytes)} in ${place.location}${free}`);
}
