import { assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { openGguf } from "../../lib/model/io/gguf.ts";
import { ggufTokenizer } from "../../lib/text/gguf_tokenizer.ts";
import { huggingFaceTokenizer } from "../../lib/text/hugging_face_tokenizer.ts";
import type { PromptOptions } from "../../lib/text/prompt_template.ts";
import type { Tokenizer } from "../../lib/text/tokenizer.ts";
import { modelPath, testWith } from "../_shared.ts";
import { fingerprint, QUESTION_FILES, questionTexts } from "./_fingerprint.ts";
import { HARD_TEXTS } from "./_hard_texts.ts";
import { CHAT, HELLO, toyFiles } from "./_toy_tokenizer.ts";

const [NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE] = [1, 2, 3, 4, 6] as const;

/** Metadata of the byte-level toy: its 262 words, then `<bos>`, `<eos>` and `<think>`. */
function toyMetadata(changed: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { vocab, merges } = JSON.parse(toyFiles()["tokenizer.json"]!).model as {
    readonly vocab: Record<string, number>;
    readonly merges: string[];
  };
  const words = Object.keys(vocab);
  return {
    "general.architecture": "llama",
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": [...words, "<bos>", "<eos>", "<think>"],
    "tokenizer.ggml.token_type": [...words.map(() => NORMAL), CONTROL, CONTROL, USER_DEFINED],
    "tokenizer.ggml.merges": merges,
    "tokenizer.ggml.bos_token_id": BOS,
    "tokenizer.ggml.eos_token_id": BigInt(EOS), // as readers give 64-bit numbers
    ...changed,
  };
}
const [BOS, EOS, THINK] = [262, 263, 264];

/** A SentencePiece vocabulary: specials, three bytes, characters, and pieces with their scores. */
function sentencePieceMetadata(): Record<string, unknown> {
  const pieces: readonly (readonly [string, number, number])[] = [
    ["<unk>", UNKNOWN, 0], // 0
    ["<s>", CONTROL, 0], // 1
    ["</s>", CONTROL, 0], // 2
    ["<0x0A>", BYTE, 0], // 3
    ["<0xC3>", BYTE, 0], // 4
    ["<0xA9>", BYTE, 0], // 5
    ["▁a", NORMAL, -1], // 6
    ["bc", NORMAL, -2], // 7
    ["ab", NORMAL, -3], // 8
    ["abc", NORMAL, -4], // 9
    ["▁", NORMAL, -5], // 10
    ["a", NORMAL, -6], // 11
    ["b", NORMAL, -7], // 12
    ["c", NORMAL, -8], // 13
  ];
  return {
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": pieces.map(([piece]) => piece),
    "tokenizer.ggml.token_type": pieces.map(([, type]) => type),
    "tokenizer.ggml.scores": pieces.map(([, , score]) => score),
    "tokenizer.ggml.unknown_token_id": 0,
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
  };
}

Deno.test("ggufTokenizer() reads a byte-level vocabulary and its special tokens", () => {
  const tokenizer = ggufTokenizer(toyMetadata());
  assertEquals(tokenizer.encode("hello<eos>").slice(0, 2), [HELLO, 0x3C]);
  assertEquals(tokenizer.encode("<think>"), [THINK]);
  assertEquals(tokenizer.decode([BOS, HELLO, THINK, EOS]), "hello<think>");
  assertEquals(tokenizer.vocabSize, 265);
  assertEquals([tokenizer.eosTokenId, tokenizer.padTokenId], [EOS, EOS]);
  assertEquals(tokenizer.encodePrompt("hello"), [HELLO]);
});

Deno.test("ggufTokenizer() starts with BOS where the file says so, or Llama 3's kind", () => {
  const prompt = (changed: Record<string, unknown>) =>
    ggufTokenizer(toyMetadata(changed)).encodePrompt("hello");
  assertEquals(prompt({ "tokenizer.ggml.add_bos_token": true }), [BOS, HELLO]);
  assertEquals(prompt({ "tokenizer.ggml.pre": "llama-bpe" }), [BOS, HELLO]);
  const not = { "tokenizer.ggml.pre": "llama-bpe", "tokenizer.ggml.add_bos_token": false };
  assertEquals(prompt(not), [HELLO]);
});

Deno.test("ggufTokenizer() takes the chat template, end-of-turn and padding tokens", () => {
  const tokenizer = ggufTokenizer(toyMetadata({
    "tokenizer.chat_template": CHAT.replaceAll("<start>", "<bos>").replaceAll("<end>", "<eos>"),
    "tokenizer.ggml.eot_token_id": THINK,
    "tokenizer.ggml.padding_token_id": BOS,
  }));
  assertEquals(tokenizer.stopTokenIds, [EOS, THINK]);
  assertEquals(tokenizer.padTokenId, BOS);
  assertEquals(tokenizer.encodePrompt("x")[0], BOS);
  const bare = ggufTokenizer(toyMetadata({ "tokenizer.chat_template": CHAT }), {
    template: "none",
  });
  assertEquals(bare.encodePrompt("hello"), [HELLO]);
});

Deno.test("files() of a GGUF tokenizer read back as the same tokenizer", () => {
  for (const metadata of [toyMetadata(), sentencePieceMetadata()]) {
    const tokenizer = ggufTokenizer(metadata);
    const again = huggingFaceTokenizer(tokenizer.files());
    for (const text of ["abc", " a  bc", "a\n"]) {
      assertEquals(again.encode(text), tokenizer.encode(text));
      assertEquals(again.encodePrompt(text), tokenizer.encodePrompt(text));
    }
    assertEquals(again.files(), tokenizer.files());
    assertEquals(again.stopTokenIds, tokenizer.stopTokenIds);
  }
});

Deno.test("ggufTokenizer() joins SentencePiece's pieces best score first", () => {
  const { encode, decode, encodePrompt } = ggufTokenizer(sentencePieceMetadata());
  // ▁ a b c: ▁a (-1) comes first and takes the a; then bc (-2) goes before ab (-3).
  assertEquals(encode("abc"), [6, 7]);
  assertEquals(encode("cabc"), [10, 13, 9]); // ▁ c a b c: bc first, then a and bc make abc
  assertEquals(encode("a\né"), [6, 3, 4, 5]); // bytes of what no piece spells
  for (const text of ["abc", " abc", "a  b", "a\né"]) assertEquals(decode(encode(text)), text);
  assertEquals(encodePrompt("a"), [1, 6]);
  for (const text of ["x", "</s>"]) assertThrows(() => encode(text), RangeError, "spell it");
});

Deno.test("ggufTokenizer() tells which field is missing or not supported", () => {
  const check = (changed: Record<string, unknown>, text: string) =>
    assertThrows(() => ggufTokenizer(toyMetadata(changed), {}, "m.gguf"), TypeError, text);
  check({ "tokenizer.ggml.model": "bert" }, "m.gguf as tokenizer.ggml.model is wrong");
  check({ "tokenizer.ggml.tokens": undefined }, "tokenizer.ggml.tokens is wrong");
  check({ "tokenizer.ggml.merges": undefined }, "tokenizer.ggml.merges is missing");
  check({ "tokenizer.ggml.pre": "falcon" }, `default, gpt-2, smollm, llama-bpe, qwen2`);
  check({ "tokenizer.ggml.pre": "falcon" }, `current value is "falcon"`);
  check({ "tokenizer.ggml.eos_token_id": undefined }, "tokenizer.ggml.eos_token_id is wrong");
  check({ "tokenizer.ggml.model": "llama" }, "tokenizer.ggml.scores must have 265 values");
});

/** The published file of SmolLM2-135M-Instruct, where it was fetched. */
function smollm2Path(): string | undefined {
  const folder = modelPath("smollm2-135m-instruct");
  const name = folder && [...Deno.readDirSync(folder)].find(({ name }) => name.endsWith(".gguf"));
  return folder && name && join(folder, name.name);
}

const SMOLLM2 = smollm2Path();
let opened: Promise<Readonly<Record<string, unknown>>> | undefined;

async function smollm2(options: PromptOptions = {}): Promise<Tokenizer> {
  opened ??= openGguf(SMOLLM2!).then(({ metadata }) => metadata);
  return ggufTokenizer(await opened, options, SMOLLM2);
}

testWith("SmolLM2 from its GGUF file knows its ends", { SMOLLM2 }, async () => {
  const tokenizer = await smollm2();
  assertEquals(tokenizer.vocabSize, 49_152);
  assertEquals(tokenizer.stopTokenIds, [2]); // <|im_end|>, which also pads
  assertEquals(tokenizer.padTokenId, 2);
  assertEquals(tokenizer.encode("Hello  12 world"), [19556, 256, 33, 34, 905]); // llama.cpp's ids
  assertThrows(() => tokenizer.encode("\u0006"), RangeError, `current value is "\\u0006"`);
});

testWith(
  "SmolLM2 asks with the ids of transformers' apply_chat_template",
  { SMOLLM2 },
  async () => {
    // transformers 5.23.0: AutoTokenizer.from_pretrained(folder of files()).apply_chat_template(
    //   [{"role": "system", "content": "Be brief."}, {"role": "user", "content": TEXT}],
    //   tokenize=True, add_generation_prompt=True)
    const brief = await smollm2({ system: "Be brief." });
    assertEquals(
      brief.encodePrompt("  Line one\n\nline two \n"),
      // deno-fmt-ignore
      [1, 9690, 198, 6077, 5453, 30, 2, 198, 1, 4093, 3805, 9745, 582, 198, 198, 1311, 827, 3717, 2,
      198, 1, 520, 9531, 198],
    );
    // The same without the system message, which the template then writes itself.
    const prompt = (await smollm2()).encodePrompt("What is 2+2?");
    assertEquals(
      prompt,
      // deno-fmt-ignore
      [1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308, 34519, 28, 7018, 411, 407,
      19712, 8182, 2, 198, 1, 4093, 198, 1780, 314, 216, 34, 27, 34, 47, 2, 198, 1, 520, 9531, 198],
    );
  },
);

testWith("SmolLM2 gives the ids of the reference on hard texts", { SMOLLM2 }, async () => {
  assertEquals(await fingerprint(await smollm2(), HARD_TEXTS), "ec258c298adca38a");
});

for (
  const [name, expected] of [
    ["gsm8k_test", "57ba315287e1a2e6"],
    ["gsm8k_train", "c90e059b2f319dc5"],
    ["math500", "e07bb7c728b360f0"],
  ] as const
) {
  testWith(
    `SmolLM2 gives the ids of the reference on ${name}`,
    { SMOLLM2, [name]: QUESTION_FILES[name].path },
    async () => {
      assertEquals(await fingerprint(await smollm2(), await questionTexts(name)), expected);
    },
  );
}
