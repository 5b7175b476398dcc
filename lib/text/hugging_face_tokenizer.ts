/**
 * The tokenizers of published models, from the files of their Hugging Face folders.
 *
 * @module
 */
// Hugging Face's own tokenizers in JavaScript: reads any `tokenizer.json`, has no dependency.
import { Tokenizer as Library } from "@huggingface/tokenizers";
import {
  type Message,
  type PromptFrame,
  promptFrame,
  type PromptOptions,
} from "./prompt_template.ts";
import { masking, UNMASK, unmask } from "./special_spellings.ts";
import { spellingCheck } from "./spelling_check.ts";
import type { Tokenizer } from "./tokenizer.ts";
import {
  describeTokenizer,
  type TokenizerDescription,
  type TokenizerFiles,
  type TokenizerJson,
} from "./tokenizer_files.ts";

/**
 * A tokenizer from the files of a Hugging Face folder: byte-pair encoding, as those of Llama,
 * SmolLM2 and Qwen.
 *
 * What it does where tools differ:
 *
 * 1. Special tokens that a question or a demonstration spells out are encoded as ordinary text;
 *    only the template's frame holds special tokens.
 * 2. `encodePrompt` with the folder's own template adds nothing to what that renders, as
 *    `apply_chat_template` of transformers; before a bare question, or in a frame that is not the
 *    folder's, go the tokens that the tokenizer itself starts a text with (Llama's BOS), once.
 * 3. A completion also ends at the token that the template in use, or the folder's own, ends the
 *    assistant's turn with, even if the folder names only another one as EOS.
 * 4. A tokenizer without a padding token pads with EOS. Padding is masked everywhere and never
 *    read, so this cannot hide an EOS that was learnt or sampled.
 * 5. Decoding never tidies blanks up, so that the text is the one that was sampled.
 *
 * @param files Texts of the folder's files, by name (see {@linkcode TOKENIZER_FILES}).
 * @param options How questions are asked.
 * @param where Named in errors: the folder.
 * @throws {SyntaxError} When a file is not JSON, or a template is wrong.
 * @throws {TypeError} When a field is missing, wrong or of a kind that is not supported.
 * @throws {RangeError} When the options name a template that is not there.
 */
export function huggingFaceTokenizer(
  files: TokenizerFiles,
  options: PromptOptions = {},
  where = "the tokenizer's folder",
): Tokenizer {
  const description = describeTokenizer(files, where);
  const { json, roles, specialTokens, endIds, chatTemplate } = description;
  const library = openLibrary(description, where);
  const checkSpelling = spellingCheck(library, isByteLevel(json));
  const mask = masking(specialTokens.keys());
  const encodeMasked = (text: string) => {
    const { ids } = library.encode(text, { add_special_tokens: false });
    checkSpelling(unmask(text), ids);
    return ids;
  };
  const encode = (text: string) => encodeMasked(mask(text));
  const frame = promptFrame(options, chatTemplate, roles, where);
  const system: Message[] = frame?.system === undefined
    ? []
    : [{ role: "system", content: mask(frame.system) }];
  const start = startTokens(library, specialTokens);
  const encodePrompt = (text: string) => {
    if (!frame) return [...start, ...encode(text)];
    const ids = encodeMasked(
      frame.render([...system, { role: "user", content: mask(text) }], true),
    );
    return frame.chat || start.every((id, at) => ids[at] === id) ? ids : [...start, ...ids];
  };
  const special = new Set(specialTokens.values());
  const turnEnds = [options, {}].flatMap((choice) =>
    endOfTurn(() => promptFrame(choice, chatTemplate, roles, where), specialTokens)
  );
  return {
    vocabSize: vocabSizeOf(json),
    eosTokenId: endIds[0],
    stopTokenIds: [...new Set([...endIds, ...turnEnds])],
    padTokenId: specialTokens.get(roles.pad_token ?? "") ?? endIds[0],
    encode,
    encodePrompt,
    decode: (ids) => {
      const text = ids.filter((id) => !special.has(id) && library.id_to_token(id) !== undefined);
      if (text.length === 0) return ""; // which the library refuses
      return library.decode(text, { clean_up_tokenization_spaces: false });
    },
    files: () =>
      Object.fromEntries(
        Object.entries(files).filter((file): file is [string, string] => file[1] !== undefined),
      ),
  };
}

/** How many ids a vocabulary needs: they may have gaps. */
function vocabSizeOf({ model, added_tokens }: TokenizerJson): number {
  const ids = [...Object.values(model.vocab), ...added_tokens.map(({ id }) => id)];
  return ids.reduce((highest, id) => Math.max(highest, id), 0) + 1;
}

/**
 * Opens the library so that special tokens come from a frame alone.
 *
 * @throws {TypeError} When a part is not one that the library knows.
 */
function openLibrary(
  { json, config, specialTokens }: TokenizerDescription,
  where: string,
): Library {
  const isSpecial = (token: string) => specialTokens.has(token);
  const merged = (pair: string | readonly string[]) =>
    typeof pair === "string" ? pair.replace(" ", "") : pair.join("");
  const added = json.added_tokens.map((token) =>
    isSpecial(token.content) ? { ...token, special: true, normalized: false } : token
  );
  const known = new Set(added.map(({ content }) => content));
  const unlisted = [...specialTokens].filter(([content]) => !known.has(content))
    .map(([content, id]) => ({ id, content, special: true, normalized: false }));
  const parts = {
    normalizer: null, // the library wants every part named
    post_processor: null,
    decoder: null,
    ...json,
    added_tokens: [...added, ...unlisted],
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [UNMASK, withEveryDigit(json.pre_tokenizer)],
    },
    model: { ...json.model, merges: json.model.merges.filter((pair) => !isSpecial(merged(pair))) },
  };
  let library: Library;
  try {
    library = new Library(parts, { ...config });
  } catch (error) {
    throw new TypeError(
      `Cannot use the tokenizer in ${where}: ${(error as Error).message}`,
      { cause: error },
    );
  }
  // Or a model that takes a whole word from its vocabulary would find them there.
  for (const token of specialTokens.keys()) library.model!.tokens_to_ids.delete(token);
  return library;
}

/**
 * Has `Digits` find every numeric character, as the original in Rust does: the library (0.2.0)
 * finds decimal digits alone, so that SmolLM2 would read " \u00BD" as one word.
 */
function withEveryDigit(preTokenizer: unknown): unknown {
  const { type, pretokenizers, individual_digits } = (preTokenizer ?? {}) as {
    readonly type?: string;
    readonly pretokenizers?: readonly unknown[];
    readonly individual_digits?: boolean;
  };
  if (type === "Sequence") return { type, pretokenizers: pretokenizers?.map(withEveryDigit) };
  if (type !== "Digits") return preTokenizer;
  const pattern = { Regex: individual_digits ? "\\p{N}" : "\\p{N}+" };
  return { type: "Split", pattern, behavior: "Isolated", invert: false };
}

/** Whether a pre-tokenizer turns texts into bytes. */
function isByteLevel({ pre_tokenizer }: TokenizerJson): boolean {
  return JSON.stringify(pre_tokenizer ?? null).includes('"ByteLevel"');
}

/** The ids that the tokenizer itself puts before a text. */
function startTokens(library: Library, specialTokens: ReadonlyMap<string, number>): number[] {
  const text = "x";
  const { tokens } = library.post_processor?.([text], null, true) ?? { tokens: [text] };
  return tokens.slice(0, tokens.indexOf(text))
    .map((token) => (specialTokens.get(token) ?? library.token_to_id(token))!);
}

/** The id that a template puts after an answer, if it is a special token. */
function endOfTurn(
  open: () => PromptFrame | undefined,
  specialTokens: ReadonlyMap<string, number>,
): number[] {
  const answer = "An answer";
  const turns: Message[] = [
    { role: "user", content: "A question" },
    { role: "assistant", content: answer },
  ];
  let text: string | undefined;
  try {
    text = open()?.render(turns, false);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error; // a template may refuse such turns
  }
  if (!text?.includes(answer)) return [];
  const rest = text.slice(text.lastIndexOf(answer) + answer.length).trimStart();
  const ends = [...specialTokens].filter(([token]) => rest.startsWith(token));
  return ends.sort(([a], [b]) => b.length - a.length).slice(0, 1).map(([, id]) => id);
}
