/**
 * SentencePiece vocabularies as byte-pair encodings: blanks are written `▁`, and bytes that no
 * piece spells have pieces of their own.
 *
 * @module
 */
const BLANK = "▁";
const NORMAL = 1, USER_DEFINED = 4; // of tokenizer.ggml.token_type

/**
 * The parts of a `tokenizer.json` that are the same for all of them.
 *
 * @param prefix Whether a blank goes before every text, and is taken away when ids are decoded.
 */
export function sentencePiece(prefix: boolean): Record<string, unknown> {
  const replace = (from: string, content: string) => ({
    type: "Replace",
    pattern: { String: from },
    content,
  });
  return {
    normalizer: {
      type: "Sequence",
      normalizers: [
        ...prefix ? [{ type: "Prepend", prepend: BLANK }] : [],
        replace(" ", BLANK),
      ],
    },
    pre_tokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [
        replace(BLANK, " "),
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...prefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [],
      ],
    },
  };
}

/**
 * The merges that spell the same as SentencePiece, which always joins the two neighbours whose
 * piece has the highest score: every way to make a piece of two others, best piece first.
 *
 * @param types Kind of each token; all are normal unless given.
 */
export function scoredMerges(
  tokens: readonly string[],
  scores: readonly number[],
  types: readonly number[],
): [string, string][] {
  const isPiece = (id: number) => [NORMAL, USER_DEFINED].includes(types[id] ?? NORMAL);
  const pieces = new Map(
    tokens.map((token, id) => [token, id] as const)
      .filter(([, id]) => isPiece(id)),
  );
  return [...pieces].sort(([, a], [, b]) => scores[b]! - scores[a]! || a - b)
    .flatMap(([piece]) => {
      const characters = [...piece];
      return characters.slice(1).map((_, at): [string, string] => [
        characters.slice(0, at + 1).join(""),
        characters.slice(at + 1).join(""),
      ]).filter(([left, right]) => pieces.has(left) && pieces.has(right));
    });
}
