/**
 * GMAC/s of `linear` per weight type, with 1 row and with 128, through the interpreter on one thread, and of the
 * attention products. Prints the best and the lower quartile of many short runs: on a shared machine the best run is
 * the one that nobody disturbed.
 */
import { byteLength, type DType } from "@millet/core/tensor";
import { Random } from "../../../test/support/random.js";
import { Dot } from "../assembly/dot-mode.js";
import { Opcode, Sharing } from "../assembly/opcodes.js";
import { linearScratchBytes } from "../src/lower/linear.js";
import { packedByteLength, packedInfo } from "../src/pack/packed-type.js";
import { encodeProgram, units } from "../src/program/program.js";
import { InlineEngine, type InlineOptions } from "../test/support/inline-engine.js";

const OUTPUTS = 5504;
const INPUTS = 2048;
const START = 65536;
const DTYPES: readonly DType[] = (process.argv[3]?.split(",") ?? [
  "q4_0",
  "q4_1",
  "q8_0",
  "f16",
  "bf16",
  "f32",
]) as DType[];
const SECONDS = 1.5;

const CONFIGURATIONS: Readonly<Record<string, InlineOptions>> = {
  "fastest here": {},
  "relaxed, 16-bit sums": { dot: Dot.Sixteen },
  "plain SIMD": { simd: "plain" },
};

function place(dtype: DType, rows: number, options: InlineOptions) {
  const spec = { dtype, shape: [OUTPUTS, INPUTS] };
  const { linear, pack, quantized } = packedInfo(spec);
  const at = { program: START, count: START + 4096, x: START + 8192 };
  const activations = at.x + rows * INPUTS * 4;
  const y = activations + rows * (INPUTS / 32) * 48;
  const raw = y + rows * OUTPUTS * 4;
  const scratch = raw + Math.ceil(byteLength(spec) / 64) * 64;
  const packed = scratch + linearScratchBytes(rows);
  const engine = new InlineEngine(packed + packedByteLength(spec), options);
  const random = new Random(1);
  engine.view(raw, byteLength(spec)).forEach((_, i, all) => {
    all[i] = i % 2 === 0 ? (random.next() * 256) & 0x3f : 0x2c; // any bytes that make finite weights
  });
  const x = random.normals(rows * INPUTS);
  engine.runNow({
    writes: [
      { address: at.x, data: new Uint8Array(x.buffer) },
      { address: at.count, data: new Uint8Array(Int32Array.of(rows).buffer) },
    ],
  });
  const prepare = (opcode: Opcode, operands: readonly number[]) => {
    const { words } = encodeProgram("bench", [{ opcode, label: "", operands, accesses: [] }]);
    engine.runNow({ writes: [{ address: at.program, data: new Uint8Array(words.buffer) }] });
  };
  prepare(pack, [units(raw), OUTPUTS, INPUTS, units(packed)]);
  engine.runNow({ program: at.program });
  const stride = units(INPUTS * 4);
  prepare(Opcode.Quantize, [
    ...[units(at.x), stride, 0, INPUTS, units(at.count), units(activations), Sharing.Rows, 0],
  ]);
  if (quantized) engine.runNow({ program: at.program });
  const source = quantized ? [units(activations), 0, 0] : [units(at.x), stride, 0];
  prepare(linear, [
    ...[
      units(packed),
      OUTPUTS / 8,
      INPUTS,
      ...source,
      units(at.count),
      units(y),
      units(OUTPUTS * 4),
      units(scratch),
      0,
    ],
  ]);
  return { run: () => void engine.runNow({ program: at.program }), dot: engine.dot };
}

/** GMAC/s of the best and the lower-quartile run. */
function measure(run: () => void, multiplyAdds: number): string {
  const times: number[] = [];
  const end = performance.now() + SECONDS * 1000;
  while (performance.now() < end) {
    const began = performance.now();
    run();
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const rate = (ms: number) => (multiplyAdds / ms / 1e6).toFixed(1).padStart(6);
  return `${rate(times[0]!)} ${rate(times[times.length >> 2]!)}`;
}

console.log(`linear, [${OUTPUTS}, ${INPUTS}], GMAC/s on one thread: best, lower quartile`);
for (const [name, options] of Object.entries(CONFIGURATIONS)) {
  for (const dtype of DTYPES) {
    const [one, many] = [1, 128].map((rows) => {
      const { run } = place(dtype, rows, options);
      return measure(run, OUTPUTS * INPUTS * rows);
    });
    console.log(`${name.padEnd(22)} ${dtype.padEnd(5)} 1 row ${one}   128 rows ${many}`);
  }
}
