/** BERT's normalizer (Devlin et al. 2019, as the `tokenizers` library has it). */
import { type Normalizer, sequenceNormalizer } from "../parts.js";
import { lowercase } from "./text.js";

export interface BertNormalizerOptions {
  /** Control characters go, blanks become spaces. */
  readonly cleansText: boolean;
  /** Spaces around each Chinese character. */
  readonly spacesChinese: boolean;
  readonly stripsAccents: boolean;
  readonly lowercases: boolean;
}

const REMOVED = /[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu;
const BLANK = /\p{White_Space}/gu;
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const NONSPACING = /\p{Mn}+/gu;

export function bertNormalizer(options: BertNormalizerOptions): Normalizer {
  const steps: Normalizer[] = [];
  if (options.cleansText) steps.push((text) => text.replace(REMOVED, "").replace(BLANK, " "));
  if (options.spacesChinese) steps.push((text) => text.replace(CHINESE, " $& "));
  if (options.stripsAccents) steps.push((text) => text.normalize("NFD").replace(NONSPACING, ""));
  if (options.lowercases) steps.push(lowercase);
  return sequenceNormalizer(steps);
}
