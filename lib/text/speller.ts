import type { Tokenizer } from "./tokenizer.ts";

/**
 * Makes the function that writes ids as text with special tokens spelled out, for people: what
 * {@linkcode Tokenizer.decode} leaves out is seen here.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { charTokenizer } from "./char_tokenizer.ts";
 * import { speller } from "./speller.ts";
 *
 * const tokenizer = charTokenizer("ab");
 * assertEquals(speller(tokenizer)([1, 0, tokenizer.eosTokenId]), "ba<eos>");
 * ```
 */
export function speller(tokenizer: Tokenizer): (ids: readonly number[]) => string {
  const { added_tokens } = JSON.parse(tokenizer.files()["tokenizer.json"]!) as {
    readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  };
  const added = new Map(added_tokens.map(({ id, content }) => [id, content]));
  return (ids) => {
    const parts: string[] = [];
    let from = 0;
    ids.forEach((id, at) => {
      const content = added.get(id);
      if (content === undefined) return;
      parts.push(tokenizer.decode(ids.slice(from, at)), content); // characters may span tokens
      from = at + 1;
    });
    return [...parts, tokenizer.decode(ids.slice(from))].join("");
  };
}
