/** The backend on onnxruntime-node passes the conformance suite. */
import ort from "onnxruntime-node";
import { testRuntime } from "../support/runtime-conformance.js";

const LOOPS = "ONNX Runtime takes other loops for one row than for many, and they sum in another order";

testRuntime({ ort, session: { intraOpNumThreads: 1 } }, { rows: LOOPS, chunks: LOOPS });
