/** The commands of `millet`, in the order of its help: one file each. */
import type { Command } from "../command.js";
import { bench } from "./bench.js";
import { calibrate } from "./calibrate.js";
import { chat } from "./chat.js";
import { check } from "./check.js";
import { doctor } from "./doctor.js";
import { embed } from "./embed.js";
import { generate } from "./generate.js";
import { inspect } from "./inspect.js";
import { list } from "./list.js";
import { pull } from "./pull.js";
import { remove } from "./remove.js";
import { tokenize } from "./tokenize.js";
import { verify } from "./verify.js";

export const COMMANDS: readonly Command[] = [
  chat,
  generate,
  embed,
  tokenize,
  bench,
  check,
  calibrate,
  inspect,
  doctor,
  pull,
  list,
  verify,
  remove,
];
