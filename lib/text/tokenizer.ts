/**
 * Text to token ids and back.
 *
 * @module
 */

/** What the toolkit asks of a tokenizer, whether of characters or of a published model. */
export interface Tokenizer {
  /** How many ids there are: all are in `[0, vocabSize)`. */
  readonly vocabSize: number;
  /** Ends a demonstration. */
  readonly eosTokenId: number;
  /** Any of these ends a completion: EOS, and what else a published model ends a turn with. */
  readonly stopTokenIds: readonly number[];
  /** Fills rows up; never read. */
  readonly padTokenId: number;
  /**
   * The ids of a text, without any special token added.
   *
   * @throws {RangeError} When the text holds something the vocabulary cannot spell.
   */
  encode(text: string): number[];
  /**
   * The ids that ask a question: those of its text, in the frame of a chat where the policy was
   * taught one.
   *
   * @throws {RangeError} As {@linkcode encode}.
   */
  encodePrompt(text: string): number[];
  /** The text of ids; special tokens give nothing. */
  decode(ids: readonly number[]): string;
  /** The files of a Hugging Face folder that describe it, by name. */
  files(): Record<string, string>;
}
