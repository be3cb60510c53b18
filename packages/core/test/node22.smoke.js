/** Runs on Node 22 against the built package (npm run smoke:node22): a little of what core does. */
import assert from "node:assert/strict";
import { isMilletError, MilletError } from "@millet/core";
import { dequantize, quantize } from "@millet/core/quant";

const values = Float32Array.from({ length: 64 }, (_, i) => i / 8 - 4);
const restored = dequantize("q8_0", quantize("q8_0", values));
assert.ok(values.every((value, i) => Math.abs(value - (restored[i] ?? Number.NaN)) < 0.02));
assert.ok(isMilletError(new MilletError("INVALID_ARGUMENT", "made here")));
