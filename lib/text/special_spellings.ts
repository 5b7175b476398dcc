/**
 * Keeps special tokens out of texts that only look like them: a question that holds `<|im_end|>`
 * must not end the turn it stands in.
 *
 * The mark is half of a surrogate pair, which no well-formed text holds, so nothing that a text can
 * say is taken for it. It follows the first character of every spelling in a text. The frame around
 * has its special tokens unmarked and is split at them; then {@linkcode UNMASK} takes the marks away,
 * before words are split. So a masked text is spelled by ordinary tokens, and is else encoded as it
 * would be together with its frame. (Only a special token of a single character could not be broken
 * up so; no published model has one.)
 *
 * @module
 */
const MARK = "\uD800";

/**
 * First step of a pre-tokenizer, in the terms of `tokenizer.json`. A step of the normalizer would
 * come too early: a text that is one special token's spelling would be taken for it after all.
 */
export const UNMASK = { type: "Replace", pattern: { String: MARK }, content: "" } as const;

/** A masked text as it was. */
export function unmask(text: string): string {
  return text.replace(/\uD800/gu, ""); // `u`, or a whole pair would lose its first half
}

/**
 * Makes the function that masks a text.
 *
 * @param spellings Of the special tokens.
 */
export function masking(spellings: Iterable<string>): (text: string) => string {
  const alternatives = [...spellings].map((spelling) => RegExp.escape(spelling));
  if (alternatives.length === 0) return (text) => text.toWellFormed();
  // Looks ahead, as spellings can overlap: each place where one starts is broken up.
  const starts = new RegExp(`(?=${alternatives.join("|")}).`, "gsu");
  return (text) => text.toWellFormed().replace(starts, `$&${MARK}`);
}
