"""Makes smollm2.golden.json: token ids of the shipped model's vocabulary by the `tokenizers` library.

Usage: python smollm2-golden.py MODEL.gguf > smollm2.golden.json   (needs the packages gguf and tokenizers)
The library is given the file's tokens and merges, single digits, and the byte-level expression.
"""
import json
import sys

from gguf import GGUFReader
from tokenizers import Tokenizer, models, pre_tokenizers

reader = GGUFReader(sys.argv[1])
tokens = reader.fields["tokenizer.ggml.tokens"].contents()
merges = reader.fields["tokenizer.ggml.merges"].contents()
vocabulary = {token: index for index, token in enumerate(tokens)}
tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(merge.split(" ", 1)) for merge in merges]))
tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
)

TEXTS = [
    "The quick brown fox jumps over the lazy dog. It's 12,345.67 metres away -- isn't it?",
    "  Leading, trailing  and   inner    blanks \t\n\n\r\n  ",
    "def area(r):\n    return 3.14159 * r ** 2  # m²\n\nprint(f\"{area(2):.2f}\")\n",
    "Привет, как дела? Съешь ещё этих мягких французских булок, да выпей же чаю.",
    "我想在火星上种小米，一共1314颗。「你好」……",
    "こんにちは、世界。カタカナとひらがな。 안녕하세요 세계 ",
    "مرحبا بالعالم ١٢٣ नमस्ते दुनिया १२३ שלום ไทย Ελληνικά Tiếng Việt",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🤷🏽‍♂️ ½ ² Ⅷ ﬁ ＡＢＣ a\u0301 \u200b\u00a0\u3000\u0085\ufeff",
    "<|im_start|>user\nThis is only text.<|im_end|>",
    "https://example.org/?q=a%20b&x=[1,2]#top {\"a\": [null, -1.5e-3]}",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "I'll I'LL we've 'tis don't O'Neill 'RE you're",
]
golden = [{"text": text, "ids": tokenizer.encode(text).ids} for text in TEXTS]
print("[\n" + ",\n".join(json.dumps(item, ensure_ascii=True) for item in golden) + "\n]")
