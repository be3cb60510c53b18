/** The field `post_processor` of tokenizer.json: which tokens go around a text. Pairs of texts are not read. */
import { isObject, type JsonFields, unsupportedComponent, unsupportedOption } from "./json-fields.js";

export interface Frame {
  readonly prefixIds: readonly number[];
  readonly suffixIds: readonly number[];
}

const NOTHING: Frame = { prefixIds: [], suffixIds: [] };

const READERS: Readonly<Record<string, (fields: JsonFields) => Frame>> = {
  ByteLevel: () => NOTHING,
  BertProcessing: readClsSep,
  RobertaProcessing: readClsSep,
  TemplateProcessing: readTemplate,
  Sequence: (fields) => fields.objects("processors").map(readFrame).reduce(around, NOTHING),
};

/** @throws MilletError TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED */
export function readPostProcessor(fields: JsonFields | undefined): Frame {
  return fields === undefined ? NOTHING : readFrame(fields);
}

function readFrame(fields: JsonFields): Frame {
  const read = Object.hasOwn(READERS, fields.type) ? READERS[fields.type] : undefined;
  if (read === undefined) throw unsupportedComponent(fields, Object.keys(READERS));
  return read(fields);
}

function around(inner: Frame, outer: Frame): Frame {
  return {
    prefixIds: [...outer.prefixIds, ...inner.prefixIds],
    suffixIds: [...inner.suffixIds, ...outer.suffixIds],
  };
}

/** `cls` and `sep` are each a pair of text and id. */
function readClsSep(fields: JsonFields): Frame {
  const id = (name: string): number => {
    const value = fields.list(name)[1];
    if (!isId(value)) throw fields.fail(name, "a token and its id");
    return value;
  };
  return { prefixIds: [id("cls")], suffixIds: [id("sep")] };
}

/** `single` is a list of special tokens with the text, {"Sequence": {"id": "A"}}, among them. */
function readTemplate(fields: JsonFields): Frame {
  const special = fields.optionalObject("special_tokens");
  const prefixIds: number[] = [];
  const suffixIds: number[] = [];
  let texts = 0;
  for (const piece of fields.objects("single")) {
    const token = piece.optionalObject("SpecialToken");
    if (token === undefined) {
      piece.object("Sequence");
      texts++;
      continue;
    }
    const name = token.string("id");
    if (special === undefined) throw fields.fail("special_tokens", "an object");
    const ids = special.object(name).list("ids");
    if (!ids.every(isId)) throw special.object(name).fail("ids", "a list of token ids");
    (texts === 0 ? prefixIds : suffixIds).push(...ids);
  }
  if (texts !== 1) throw unsupportedOption(fields, `uses the text ${texts} times; Millet uses it once`);
  return { prefixIds, suffixIds };
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

/** The content of a field that names a token: a string, or an object with `content`. */
export function readTokenName(fields: JsonFields | undefined, name: string): string | undefined {
  const value = fields?.get(name);
  if (typeof value === "string") return value;
  return isObject(value) && typeof value.content === "string" ? value.content : undefined;
}
