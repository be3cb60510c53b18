/** What matrices of a Hugging Face folder become while they are read; "none" keeps the type of the file. */
export const QUANTIZE_CHOICES = ["q8_0", "q4_0", "none"] as const;
export type QuantizeChoice = (typeof QUANTIZE_CHOICES)[number];
