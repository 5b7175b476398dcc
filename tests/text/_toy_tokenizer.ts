/**
 * A small byte-level tokenizer as the files of a Hugging Face folder.
 *
 * @module
 */

/** The characters that stand for the bytes 0 to 255, as GPT-2 began it; byte b has id b. */
const BYTES = Array.from({ length: 256 }, (_, byte) => byte).reduce<string[]>((all, byte) => {
  const printable = byte >= 33 && byte <= 126 || byte >= 161 && byte !== 173;
  const others = all.filter((character) => character.charCodeAt(0) > 255).length;
  return [...all, String.fromCharCode(printable ? byte : 256 + others)];
}, []);

/** Merges and their ids: `he`, `ll`, `hell`, `hello`, a blank with `w`, two line feeds. */
const MERGES = ["h e", "l l", "he ll", "hell o", "Ġ w", "Ċ Ċ"];
export const [HE, LL, HELL, HELLO, SPACE_W, TWO_LINES] = [256, 257, 258, 259, 260, 261] as const;

/** The ids of the special tokens, and that of `<think>`, which is not one. */
export const [BOS, EOS, START, END, THINK] = [300, 301, 302, 303, 304] as const;

/** A chat template of ChatML's layout. */
export const CHAT =
  "{% for message in messages %}<start>{{ message.role }}\n{{ message.content }}" +
  "<end>\n{% endfor %}{% if add_generation_prompt %}<start>assistant\n{% endif %}";

const added = (id: number, content: string, special = true) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special,
});

/** What of the toy differs. */
export interface ToyOptions {
  /** Fields of `tokenizer.json`. */
  readonly json?: Readonly<Record<string, unknown>>;
  /** Fields of its model. */
  readonly model?: Readonly<Record<string, unknown>>;
  /** Fields of `tokenizer_config.json`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Bytes that the vocabulary lacks. */
  readonly lacks?: readonly number[];
}

/** Puts BOS before a text, as Llama's tokenizers do. */
export const STARTS_WITH_BOS = {
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: "<bos>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
  pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 0 } }],
  special_tokens: { "<bos>": { id: "<bos>", ids: [BOS], tokens: ["<bos>"] } },
};

/** The files of the toy. */
export function toyFiles(options: ToyOptions = {}): Record<string, string> {
  const { json = {}, model = {}, config = {}, lacks = [] } = options;
  const words = [...BYTES, ...MERGES.map((pair) => pair.replace(" ", ""))];
  const vocab = Object.fromEntries(
    words.map((word, id) => [word, id]).filter(([, id]) => !lacks.includes(id as number)),
  );
  return {
    "tokenizer.json": JSON.stringify({
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [
        added(BOS, "<bos>"),
        added(EOS, "<eos>"),
        added(START, "<start>"),
        added(END, "<end>"),
        added(THINK, "<think>", false),
      ],
      normalizer: null,
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
      post_processor: null,
      decoder: { type: "ByteLevel" },
      model: { type: "BPE", vocab, merges: MERGES, unk_token: null, ...model },
      ...json,
    }),
    "tokenizer_config.json": JSON.stringify({
      bos_token: "<bos>",
      eos_token: "<eos>",
      ...config,
    }),
  };
}
