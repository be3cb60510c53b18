/** The field `normalizer` of tokenizer.json. */
import { bertNormalizer } from "../normalizers/bert.js";
import { charsmapOfBase64 } from "../normalizers/charsmap.js";
import { clusterRules } from "../normalizers/precompiled.js";
import {
  lowercase,
  nmt,
  prepend,
  replace,
  replaceString,
  strip,
  stripAccents,
  unicodeForm,
} from "../normalizers/text.js";
import { type Normalizer, sequenceNormalizer } from "../parts.js";
import { byteSymbolsOf } from "../pre-tokenizers/byte-level.js";
import { type JsonFields, unsupportedComponent } from "./json-fields.js";
import { plainPattern, readPattern } from "./patterns.js";

const READERS: Readonly<Record<string, (fields: JsonFields) => Normalizer>> = {
  NFC: () => unicodeForm("NFC"),
  NFD: () => unicodeForm("NFD"),
  NFKC: () => unicodeForm("NFKC"),
  NFKD: () => unicodeForm("NFKD"),
  Lowercase: () => lowercase,
  StripAccents: () => stripAccents,
  Nmt: () => nmt,
  ByteLevel: () => byteSymbolsOf,
  Prepend: (fields) => prepend(fields.string("prepend")),
  Strip: (fields) => strip(fields.boolean("strip_left", true), fields.boolean("strip_right", true)),
  Replace: (fields) => {
    const plain = plainPattern(fields);
    const content = fields.string("content");
    return plain === undefined ? replace(readPattern(fields), content) : replaceString(plain, content);
  },
  BertNormalizer: (fields) => {
    const lowercases = fields.boolean("lowercase", true);
    return bertNormalizer({
      cleansText: fields.boolean("clean_text", true),
      spacesChinese: fields.boolean("handle_chinese_chars", true),
      stripsAccents: fields.boolean("strip_accents", lowercases),
      lowercases,
    });
  },
  Precompiled: (fields) => clusterRules(charsmapOfBase64(fields.string("precompiled_charsmap"))),
  Sequence: (fields) => sequenceNormalizer(fields.objects("normalizers").map(readNormalizer)),
};

/** @throws MilletError TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED */
export function readNormalizer(fields: JsonFields): Normalizer {
  const read = Object.hasOwn(READERS, fields.type) ? READERS[fields.type] : undefined;
  if (read === undefined) throw unsupportedComponent(fields, Object.keys(READERS));
  return read(fields);
}
