/**
 * How byte-level vocabularies split a text into words, by the names that GGUF files use. The
 * patterns are those of the models' own `tokenizer.json`.
 *
 * @module
 */

/** Normalizer and pre-tokenizer of a `tokenizer.json`. */
export interface Split {
  readonly normalizer: unknown;
  readonly pre_tokenizer: unknown;
}

/** Bytes back to text. */
export const BYTE_LEVEL_DECODER = {
  type: "ByteLevel",
  add_prefix_space: true,
  trim_offsets: true,
  use_regex: true,
};

const bytes = (use_regex: boolean) => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: false,
  use_regex, // GPT-2's own pattern
});
const sequence = (...pretokenizers: unknown[]) => ({ type: "Sequence", pretokenizers });

/** Splits by a pattern that keeps up to `digits` digits together. */
const words = (digits: string) => ({
  type: "Split",
  pattern: {
    Regex: "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" + digits +
      "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  },
  behavior: "Isolated",
  invert: false,
});

const GPT2: Split = { normalizer: null, pre_tokenizer: bytes(true) };
const SPLITS: Readonly<Record<string, Split>> = {
  default: GPT2,
  "gpt-2": GPT2,
  smollm: {
    normalizer: null,
    pre_tokenizer: sequence({ type: "Digits", individual_digits: true }, bytes(true)),
  },
  "llama-bpe": { normalizer: null, pre_tokenizer: sequence(words("\\p{N}{1,3}"), bytes(false)) },
  qwen2: {
    normalizer: { type: "NFC" },
    pre_tokenizer: sequence(words("\\p{N}"), bytes(false)),
  },
};

/**
 * The split that a GGUF file names in `tokenizer.ggml.pre`.
 *
 * @throws {TypeError} When it is not one that is known.
 */
export function byteLevelSplit(name: string, where: string): Split {
  const split = Object.hasOwn(SPLITS, name) ? SPLITS[name] : undefined;
  if (split) return split;
  throw new TypeError(
    `Cannot read the tokenizer of ${where} as tokenizer.ggml.pre must be one of ` +
      `${Object.keys(SPLITS).join(", ")}: current value is ${JSON.stringify(name)}`,
  );
}
