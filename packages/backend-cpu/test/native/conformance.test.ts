/** The native engine passes the conformance suite, on every instruction set that this machine runs. */
import { OPTIONAL_OPS, testBackend } from "@millet/conformance";
import { KV_DTYPES } from "@millet/core/backend";
import { describe, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { cpu } from "../../src/index.js";
import { WEIGHT_TYPES } from "../../src/pack/packed-type.js";
import { nativeEngine, nativeLevels } from "./requirement.js";

const weightTypes = [...WEIGHT_TYPES.native];
const optionalOps = OPTIONAL_OPS.filter((op) => op !== "sample");

describeWith(nativeEngine(), "native engine", () => {
  for (const isa of nativeLevels()) {
    for (const threads of [1, 3]) {
      describe(`${isa}, ${threads} threads`, () =>
        testBackend(() => cpu({ engine: "native", isa, threads }), {
          describe,
          test,
          weightTypes,
          kvDTypes: KV_DTYPES,
          optionalOps,
        }));
    }
  }
});
