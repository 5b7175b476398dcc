/**
 * The tokenizer inside a GGUF file, from the file's metadata.
 *
 * @module
 */
import { z } from "zod";
import { BYTE_LEVEL_DECODER, byteLevelSplit } from "./gguf_pre_tokenizers.ts";
import { scoredMerges, sentencePiece } from "./gguf_sentence_piece.ts";
import { huggingFaceTokenizer } from "./hugging_face_tokenizer.ts";
import type { PromptOptions } from "./prompt_template.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** What GGUF says of a token, `tokenizer.ggml.token_type`. */
const CONTROL = 3, USER_DEFINED = 4;

const id = z.number().int().nonnegative();
const schema = z.object({
  "tokenizer.ggml.model": z.enum(["gpt2", "llama"]),
  "tokenizer.ggml.pre": z.string().optional(),
  "tokenizer.ggml.tokens": z.array(z.string()),
  "tokenizer.ggml.token_type": z.array(z.number()).optional(),
  "tokenizer.ggml.merges": z.array(z.string()).optional(),
  "tokenizer.ggml.scores": z.array(z.number()).optional(),
  "tokenizer.ggml.bos_token_id": id.optional(),
  "tokenizer.ggml.eos_token_id": id,
  "tokenizer.ggml.eot_token_id": id.optional(),
  "tokenizer.ggml.padding_token_id": id.optional(),
  "tokenizer.ggml.unknown_token_id": id.optional(),
  "tokenizer.ggml.add_bos_token": z.boolean().optional(),
  "tokenizer.ggml.add_space_prefix": z.boolean().optional(),
  "tokenizer.chat_template": z.string().optional(),
});
type Metadata = z.infer<typeof schema>;

/**
 * The tokenizer that a GGUF file describes. Its `files()` are those of a Hugging Face folder.
 *
 * Byte-level vocabularies (`gpt2`) are split into words as `tokenizer.ggml.pre` names: `smollm`,
 * `qwen2`, `llama-bpe`, `gpt-2` or `default`. SentencePiece vocabularies (`llama`) become the
 * byte-pair encoding of the same scores.
 *
 * @param metadata Keys and values of the file's header, numbers that fit as numbers.
 * @param options How questions are asked.
 * @param where Named in errors: the file.
 * @throws {TypeError} When a field is missing, wrong or of a kind that is not supported.
 * @throws {RangeError} When the options name a template that is not there.
 * @throws {SyntaxError} When the template is wrong.
 */
export function ggufTokenizer(
  metadata: Readonly<Record<string, unknown>>,
  options: PromptOptions = {},
  where = "the GGUF file",
): Tokenizer {
  const parsed = schema.safeParse(numbersOf(metadata));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new TypeError(`Cannot read the tokenizer of ${where} as ${path[0]} is wrong: ${message}`);
  }
  return huggingFaceTokenizer(tokenizerFiles(parsed.data, where), options, where);
}

/** The fields that are read here; 64-bit ones, which readers give as bigint, as numbers. */
function numbersOf(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(schema.shape).filter((key) => key in metadata).map((key) => {
      const value = metadata[key];
      return [key, typeof value === "bigint" ? Number(value) : value];
    }),
  );
}

/** The same tokenizer as files of a Hugging Face folder. */
function tokenizerFiles(metadata: Metadata, where: string): Record<string, string> {
  const { "tokenizer.ggml.tokens": tokens, "tokenizer.chat_template": chatTemplate } = metadata;
  const byteLevel = metadata["tokenizer.ggml.model"] === "gpt2";
  const pre = metadata["tokenizer.ggml.pre"] ?? "default";
  const [bos, eos, pad, unknown] = (["bos", "eos", "padding", "unknown"] as const)
    .map((role) => metadata[`tokenizer.ggml.${role}_token_id`]);
  const spelled = (id: number | undefined) => id === undefined ? undefined : tokens[id];
  const addsBos = metadata["tokenizer.ggml.add_bos_token"] ?? (!byteLevel || pre === "llama-bpe");
  const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  return {
    "tokenizer.json": json({
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: addedTokens(metadata),
      ...byteLevel ? byteLevelParts(metadata, pre, where) : sentencePieceParts(metadata, where),
      post_processor: addsBos && bos !== undefined ? startsWith(tokens[bos]!, bos) : null,
    }),
    "tokenizer_config.json": json({
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: spelled(bos),
      eos_token: spelled(eos),
      pad_token: spelled(pad),
      unk_token: spelled(unknown),
      clean_up_tokenization_spaces: false,
      chat_template: chatTemplate,
    }),
    "generation_config.json": json({
      bos_token_id: bos,
      eos_token_id: [eos, metadata["tokenizer.ggml.eot_token_id"] ?? []].flat(),
      pad_token_id: pad,
    }),
  };
}

/** Tokens that are found in a text before its words are. */
function addedTokens(metadata: Metadata): unknown[] {
  const types = metadata["tokenizer.ggml.token_type"] ?? [];
  return metadata["tokenizer.ggml.tokens"].flatMap((content, id) =>
    types[id] !== CONTROL && types[id] !== USER_DEFINED ? [] : {
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: types[id] === CONTROL,
    }
  );
}

/** Puts a token before every text. */
function startsWith(token: string, id: number): unknown {
  const first = { SpecialToken: { id: token, type_id: 0 } };
  const sequence = (id: string) => ({ Sequence: { id, type_id: 0 } });
  return {
    type: "TemplateProcessing",
    single: [first, sequence("A")],
    pair: [first, sequence("A"), first, sequence("B")],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}

/** What a byte-level tokenizer is made of. */
function byteLevelParts(metadata: Metadata, pre: string, where: string): Record<string, unknown> {
  const merges = metadata["tokenizer.ggml.merges"];
  if (merges === undefined) {
    throw new TypeError(
      `Cannot read the tokenizer of ${where} as tokenizer.ggml.merges is missing`,
    );
  }
  return {
    ...byteLevelSplit(pre, where),
    decoder: BYTE_LEVEL_DECODER,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pre === "llama-bpe", // whole words of the vocabulary are taken as they are
      vocab: vocabularyOf(metadata),
      merges: merges.map((pair) => pair.split(" ")),
    },
  };
}

/** What a SentencePiece tokenizer is made of. */
function sentencePieceParts(metadata: Metadata, where: string): Record<string, unknown> {
  const { "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.scores": scores } = metadata;
  if (scores?.length !== tokens.length) {
    throw new TypeError(
      `Cannot read the tokenizer of ${where} as tokenizer.ggml.scores must have ${tokens.length} ` +
        `values: current value is ${scores?.length ?? "missing"}`,
    );
  }
  const unknown = metadata["tokenizer.ggml.unknown_token_id"];
  return {
    ...sentencePiece(metadata["tokenizer.ggml.add_space_prefix"] ?? true),
    model: {
      type: "BPE",
      dropout: null,
      unk_token: unknown === undefined ? null : tokens[unknown],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: vocabularyOf(metadata),
      merges: scoredMerges(tokens, scores, metadata["tokenizer.ggml.token_type"] ?? []),
    },
  };
}

function vocabularyOf(metadata: Metadata): Record<string, number> {
  return Object.fromEntries(metadata["tokenizer.ggml.tokens"].map((token, id) => [token, id]));
}
