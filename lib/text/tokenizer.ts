/**
 * Text to token ids and back.
 *
 * @module
 */

/** What the toolkit asks of a tokenizer, whether of characters or of a published model. */
export interface Tokenizer {
  /** How many ids there are: all are in `[0, vocabSize)`. */
  readonly vocabSize: number;
  /** Ends a completion. */
  readonly eosTokenId: number;
  /** Fills rows up; never read. */
  readonly padTokenId: number;
  /**
   * The ids of a text, without any special token added.
   *
   * @throws {RangeError} When the text holds something the vocabulary cannot spell.
   */
  encode(text: string): number[];
  /** The text of ids; special tokens give nothing. */
  decode(ids: readonly number[]): string;
  /** The files of a Hugging Face folder that describe it, by name. */
  files(): Record<string, string>;
}
