import type { Tokenizer } from "./tokenizer.ts";
import { z } from "zod";

const EOS = "<eos>", PAD = "<pad>";

/** Printable ASCII and the line feed: what the built-in policies can read and write. */
const PRINTABLE = "\n" + Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");

/**
 * A tokenizer whose tokens are single characters.
 *
 * @param characters Each once, in the order of their ids; two special tokens follow them.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { charTokenizer } from "./char_tokenizer.ts";
 *
 * const tokenizer = charTokenizer("ab");
 * assertEquals(tokenizer.encode("abba"), [0, 1, 1, 0]);
 * assertEquals(tokenizer.decode([1, 0, tokenizer.eosTokenId]), "ba");
 * ```
 */
export function charTokenizer(characters: string = PRINTABLE): Tokenizer {
  const tokens = [...characters, EOS, PAD];
  const ids = new Map([...characters].map((character, id) => [character, id]));
  const [eosTokenId, padTokenId] = [tokens.length - 2, tokens.length - 1];
  const encode = (text: string) =>
    [...text].map((character, at) => {
      const id = ids.get(character);
      if (id !== undefined) return id;
      throw new RangeError(
        `Cannot encode ${JSON.stringify(text)} as every character must be in the vocabulary: ` +
          `current value at ${at} is ${JSON.stringify(character)}`,
      );
    });
  return {
    vocabSize: tokens.length,
    eosTokenId,
    stopTokenIds: [eosTokenId],
    padTokenId,
    encode,
    encodePrompt: encode,
    decode: (sequence) => sequence.map((id) => id < eosTokenId ? tokens[id] : "").join(""),
    files: () => tokenizerFiles(tokens, eosTokenId, padTokenId),
  };
}

/** The same vocabulary as Hugging Face's tokenizers library reads it: one word a character. */
function tokenizerFiles(tokens: string[], eos: number, pad: number): Record<string, string> {
  const special = (id: number) => ({
    id,
    content: tokens[id],
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  return {
    "tokenizer.json": json({
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [special(eos), special(pad)],
      normalizer: null,
      pre_tokenizer: {
        type: "Split",
        pattern: { Regex: "[\\s\\S]" },
        behavior: "Isolated",
        invert: false,
      },
      post_processor: null,
      decoder: { type: "Fuse" },
      model: {
        type: "WordLevel",
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        unk_token: PAD,
      },
    }),
    "tokenizer_config.json": json({
      tokenizer_class: "PreTrainedTokenizerFast",
      eos_token: EOS,
      pad_token: PAD,
    }),
  };
}

const schema = z.object({
  model: z.object({ type: z.literal("WordLevel"), vocab: z.record(z.number().int()) }),
});

/**
 * Reads the `tokenizer.json` that {@linkcode charTokenizer} writes.
 *
 * @param value The file's content, parsed.
 * @param where Named in errors.
 * @throws {TypeError} When it is no vocabulary of single characters with `<eos>` and `<pad>` last.
 */
export function readCharTokenizer(value: unknown, where: string): Tokenizer {
  const parsed = schema.safeParse(value);
  const vocab = parsed.success ? Object.entries(parsed.data.model.vocab) : [];
  const tokens = vocab.sort(([, a], [, b]) => a - b).map(([token]) => token);
  const characters = tokens.slice(0, -2);
  const wellFormed = vocab.every(([, id], at) => id === at) &&
    characters.every((token) => [...token].length === 1) && characters.length > 0 &&
    tokens.at(-2) === EOS && tokens.at(-1) === PAD;
  if (wellFormed) return charTokenizer(characters.join(""));
  throw new TypeError(
    `Cannot read ${where} as it must be a vocabulary of single characters that ends in ` +
      `${EOS} and ${PAD}: other tokenizers are not supported yet`,
  );
}
