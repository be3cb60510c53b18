/** `millet calibrate`, and that the CPU backend's fusions give way to the outputs that it asks for. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpu } from "@millet/backend-cpu";
import { type ActivationScales, calibrate, parseActivationScales } from "@millet/backend-nnapi";
import { reference } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../test/support/availability.js";
import { runMillet } from "./support/run-millet.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millet-test-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** The greatest difference of any range, of that value's widest column. */
function apart(a: ActivationScales, b: ActivationScales): number {
  const ends = ({ usual }: ActivationScales["values"][number]) => [...usual.low, ...usual.high];
  const worst = a.values.map((value, i) => {
    const [x, y] = [ends(value), ends(b.values[i]!)];
    return Math.max(...x.map((end, j) => Math.abs(end - y[j]!))) / Math.max(...x.map(Math.abs));
  });
  return Math.max(...worst);
}

test.each(["f16", "gqa", "q4-0"])("%s: the CPU backend sees the reference's ranges", async (name) => {
  const file = await openGguf(
    await openSource(new URL(`../../../fixtures/llama/${name}.gguf`, import.meta.url)),
  );
  const model = await defineModel(file);
  const ids = Array.from({ length: 50 }, (_, i) => (i * 37 + 11) % model.vocabularySize);
  const exact = await calibrate(model, ids, { backend: reference(), window: 40 });
  const scales = await calibrate(model, ids, { backend: cpu({ engine: "wasm", threads: 1 }), window: 40 });
  await file.close();
  expect(scales.linears).toEqual(exact.linears);
  expect(apart(exact, scales)).toBeLessThan(0.03);
});

describeWith(sharedData("models"), "millet calibrate", (models) => {
  const model = `${models}/stories260K.gguf`;
  test("writes scales that are read back, says what is missing", async () => {
    const [text, out] = [join(folder, "text.txt"), join(folder, "scales.json")];
    await writeFile(text, "Once upon a time there was a little cat. ".repeat(20));
    const args = ["calibrate", model, "--text", text, "--tokens", "60", "--window", "50", "--threads", "1"];
    const { code, stdout } = await runMillet([...args, "--out", out, "--json"]);
    expect(code).toBe(0);
    const scales = parseActivationScales(JSON.parse(await readFile(out, "utf8")));
    expect(scales.tokens).toBe(60);
    expect(JSON.parse(stdout)).toEqual({ out, model: scales.model, layers: 35, tokens: 60 });
    const printed = await runMillet(args);
    expect(parseActivationScales(JSON.parse(printed.stdout))).toEqual(scales);
    expect(await runMillet(["calibrate", model])).toMatchObject({ code: 2 });
    expect(await runMillet([...args.slice(0, 2), "--text", join(folder, "none.txt")])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("SOURCE_NOT_FOUND"),
    });
  });
});
