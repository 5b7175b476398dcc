import type { Tokenizer as Library } from "@huggingface/tokenizers";

/**
 * Makes a check that a text can be spelled: byte-pair encoding leaves out in silence a byte that
 * its vocabulary lacks (SmolLM2's lacks some control characters), or puts an unknown token.
 *
 * @param byteLevel Whether tokens are made of bytes rather than of characters.
 * @returns Of a text and its ids; throws a {@linkcode RangeError} when something is not spelled.
 */
export function spellingCheck(
  library: Library,
  byteLevel: boolean,
): (text: string, ids: readonly number[]) => void {
  const { tokens_to_ids, unk_token_id } = library.model!;
  const lacks = byteCharacters().map((character) => byteLevel && !tokens_to_ids.has(character));
  const lacksAny = lacks.includes(true);
  return (text, ids) => {
    const normal = library.normalizer?.(text) ?? text;
    if (lacksAny) {
      if (!new TextEncoder().encode(normal).some((byte) => lacks[byte])) return;
      const unspelled = (character: string) =>
        new TextEncoder().encode(character).some((byte) => lacks[byte]);
      throw cannotSpell(normal, JSON.stringify([...normal].find(unspelled)));
    }
    if (!byteLevel && unk_token_id !== undefined && ids.includes(unk_token_id)) {
      throw cannotSpell(normal, library.model!.unk_token!);
    }
  };
}

function cannotSpell(text: string, current: string): RangeError {
  const shown = text.length > 80 ? text.slice(0, 80) + "…" : text;
  return new RangeError(
    `Cannot encode ${JSON.stringify(shown)} as the vocabulary must be able to spell it: current ` +
      `value is ${current}`,
  );
}

/** The character that stands for each byte in byte-level vocabularies, as GPT-2 began it. */
function byteCharacters(): string[] {
  const printable = (byte: number) =>
    byte >= 33 && byte <= 126 || byte >= 161 && byte !== 173 && byte <= 255;
  let next = 256;
  return Array.from(
    { length: 256 },
    (_, byte) => String.fromCharCode(printable(byte) ? byte : next++),
  );
}
