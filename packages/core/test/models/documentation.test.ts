/** docs/models.md says which architectures there are and by which golden models they are proven. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { GOLDEN_ENCODERS } from "../../../../test/support/golden-encoders.js";
import { GOLDEN_MODELS } from "../../../../test/support/golden-models.js";
import { ARCHITECTURES } from "../../src/models/index.js";

/** Cells of the table under "## Architectures", without its head. */
function rows(): string[][] {
  const text = readFileSync(new URL("../../../../docs/models.md", import.meta.url), "utf8");
  const section = text.split("## Architectures")[1]!.trimStart();
  const table = section.slice(0, section.indexOf("\n\n")).split("\n").slice(2);
  return table.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test("the table lists every architecture", () => {
  expect(rows().map(([name]) => name)).toEqual(ARCHITECTURES.map(({ name }) => `\`${name}\``));
});

test("the table names the golden models of each", () => {
  for (const [name, , models] of rows()) {
    const golden = [...GOLDEN_MODELS, ...GOLDEN_ENCODERS].filter(
      ({ architecture }) => `\`${architecture}\`` === name,
    );
    expect(models, name).toBe(
      golden
        .map((model) => model.name)
        .sort()
        .join(", "),
    );
  }
});
