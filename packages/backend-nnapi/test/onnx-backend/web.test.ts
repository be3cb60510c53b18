/**
 * The backend on onnxruntime-web passes the conformance suite, in Node on one thread. That runtime copies what it is given
 * to its own memory, so that caches are not updated in place.
 */
import * as ort from "onnxruntime-web";
import { testRuntime } from "../support/runtime-conformance.js";

const KEYS = "one attention over the keys of all calls and sequences sums in another order";

ort.env.wasm.numThreads = 1;

testRuntime({ ort }, { chunks: KEYS, mates: KEYS });
