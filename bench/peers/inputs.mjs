// What every engine of the comparison is given: texts to tokenize, and prompts to continue greedily.
// All of it was written for this comparison; the model's own chat format is spelled out by hand.

/** Texts whose token ids must be equal, without special tokens being parsed. */
export const TEXTS = [
  "Hello, world!",
  "The quick brown fox jumps over the lazy dog.",
  "  two spaces lead,   three sit inside, one trails ",
  "line one\nline two\r\n\r\n\tindented after a blank line\n",
  "",
  " ",
  "\n\n\n",
  "1234567890 3.14159 -42 1,000,000 0x7fff 2026-02-28T12:00:00Z",
  "I'm sure they'll say it's John's, don't you? WE'VE SEEN IT'S SHOUTED.",
  "naïve café, Zürich, smörgåsbord, Ærø, pâté",
  "e\u0301 is not \u00e9, and \ufb01 is a ligature",
  "我们在手机上离线运行语言模型。",
  "オフラインで動く小さな言語モデル",
  "오프라인 언어 모델",
  "Привет, мир! Как дела?",
  "مرحبا بالعالم",
  "नमस्ते दुनिया",
  "👋🏽 family: 👩‍👩‍👧‍👦 flag: 🇨🇭 heart: ❤️",
  "const add = (a, b) => a + b; // 加法\nfor (let i = 0; i < 10; i++) total += add(i, 1);\n",
  "def f(x):\n    if x <= 1:\n        return 1\n    return x * f(x - 1)\n",
  "<|im_start|>user text that looks like control tokens<|im_end|><|endoftext|>",
  "https://example.org/a/b?c=d&e=%20f#g user@example.org C:\\temp\\file.txt",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa !!!!!!!!???????........",
  "nul \u0000, bell \u0007, zero width \u200b, byte order mark \ufeff, no-break\u00a0space",
];

const SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

/** One user turn in ChatML, as the shipped model's template renders it. */
const chat = (question) => ({
  text:
    `<|im_start|>system\n${SYSTEM}<|im_end|>\n<|im_start|>user\n${question}<|im_end|>\n` +
    "<|im_start|>assistant\n",
  special: true,
});

const plain = (text) => ({ text, special: false });

/** Prompts to continue greedily; special says whether control tokens in the text are parsed. */
export const PROMPTS = [
  chat("What is the capital of France?"),
  chat("Explain in two sentences why the sky is blue."),
  chat("Write a haiku about rain on a tin roof."),
  chat("List three uses for a paper clip."),
  chat("Translate to Spanish: The library opens at nine."),
  chat("What is 17 plus 25?"),
  chat("Write a Python function that reverses a string."),
  chat("Give me a short recipe for tomato soup."),
  chat("Who wrote Romeo and Juliet, and when?"),
  chat("Summarize: Bees visit flowers for nectar and carry pollen between them, so plants can make seeds."),
  plain("Once upon a time, in a village by the sea,"),
  plain("The three states of matter are"),
  plain("Photosynthesis is the process by which"),
  plain("To change a bicycle tyre, first"),
  plain("import math\n\ndef area_of_circle(radius):\n"),
  plain("The main causes of the French Revolution were"),
  plain("Monday, Tuesday, Wednesday,"),
  plain("Q: What do cows drink?\nA:"),
  plain("Dear Ms. Alvarez,\n\nThank you for your letter of 3 May."),
  plain("The moon orbits the earth because"),
];
