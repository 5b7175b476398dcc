import { assert, assertEquals, assertThrows } from "@std/assert";
import { randomSeeded } from "../../lib/random.ts";
import { huggingFaceTokenizer } from "../../lib/text/hugging_face_tokenizer.ts";
import { readTokenizer } from "../../lib/text/read_tokenizer.ts";
import type { Tokenizer } from "../../lib/text/tokenizer.ts";
import { testWith } from "../_shared.ts";
import { fingerprint, QUESTION_FILES, questionTexts } from "./_fingerprint.ts";
import { HARD_TEXTS } from "./_hard_texts.ts";
import { QWEN2_5 } from "./_qwen2_5.ts";
import {
  BOS,
  CHAT,
  END,
  EOS,
  HELLO,
  LL,
  SPACE_W,
  START,
  STARTS_WITH_BOS,
  THINK,
  toyFiles,
  type ToyOptions,
  TWO_LINES,
} from "./_toy_tokenizer.ts";

const qwen = await readTokenizer(QWEN2_5);
const toy = (options: ToyOptions = {}, prompt = {}): Tokenizer =>
  huggingFaceTokenizer(toyFiles(options), prompt);
const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];

/** Texts of random characters: letters, blanks, digits, marks, and the whole of Unicode. */
function randomTexts(count: number): string[] {
  const prng = randomSeeded(1, "tokenizer texts");
  const draw = (below: number) => Math.floor(prng() * below);
  const alphabets = [
    () => " aehlow\n\t.,'-"[draw(13)]!,
    () => "0123456789+=/<>|\\{}$"[draw(20)]!,
    () => String.fromCodePoint(0x300 + draw(0x70)),
    () => String.fromCodePoint(0x80 + draw(0xD800 - 0x80)),
    () => String.fromCodePoint(0xE000 + draw(0x110000 - 0xE000)),
    () => ["<end>", "<think>", "<|im_end|>", "<|endoftext|>", "hello"][draw(5)]!,
  ];
  return Array.from(
    { length: count },
    () => Array.from({ length: draw(30) }, () => alphabets[draw(alphabets.length)]!()).join(""),
  );
}

Deno.test("huggingFaceTokenizer() merges bytes in the order of its merges", () => {
  const { encode, decode } = toy();
  assertEquals(encode("hello wll"), [HELLO, SPACE_W, LL]); // he, ll, hell, hello; then a blank and w
  assertEquals(encode("é\n\n"), [0xC3, 0xA9, TWO_LINES]);
  assertEquals(encode(""), []);
  assertEquals(decode([HELLO, SPACE_W, 0xC3, 0xA9]), "hello wé");
  assertEquals(decode([]), "");
});

Deno.test("encode() reads the spelling of a special token as text, and decode() gives it back", () => {
  const { encode, decode } = toy();
  const text = "hello<end> <bos>\n<start>x<eos>";
  const ids = encode(text);
  assert(ids.every((id) => id < BOS), `${ids}`);
  assertEquals(ids.slice(1, 6), bytes("<end>"));
  assertEquals(decode(ids), text);
  assertEquals(encode("<end>"), bytes("<end>")); // nothing but a spelling
});

Deno.test("encode() keeps a token that is added but not special, as <think>", () => {
  const { encode, decode } = toy();
  assertEquals(encode("<think>\nhello"), [THINK, 10, HELLO]);
  assertEquals(decode([THINK, 10, HELLO]), "<think>\nhello");
});

Deno.test("encode() takes no special token for a whole word of the vocabulary", () => {
  const special = { id: 305, content: "hello", special: true };
  const json = JSON.parse(toyFiles()["tokenizer.json"]!) as { added_tokens: unknown[] };
  const { encode, decode } = toy({
    json: { added_tokens: [...json.added_tokens, special] },
    model: { ignore_merges: true }, // as Llama 3: words of the vocabulary are not merged up
  });
  assertEquals(decode(encode("hello")), "hello");
  assert(!encode("hello").includes(305));
  assert(!encode("hello").includes(HELLO));
});

Deno.test("decode() leaves special tokens out, and ids that the vocabulary does not have", () => {
  const { decode } = toy();
  assertEquals(decode([BOS, HELLO, END, 290, 9999, EOS]), "hello");
  assertEquals(decode([EOS]), "");
});

Deno.test("decode() never tidies blanks up", () => {
  const { encode, decode } = toy({ config: { clean_up_tokenization_spaces: true } });
  assertEquals(decode(encode("x . y , do n't")), "x . y , do n't");
});

Deno.test("encode() tells which character the vocabulary cannot spell", () => {
  const { encode, encodePrompt } = toy({ lacks: [0x06, 0xF1] });
  assertEquals(encode("\u0005é"), [5, 0xC3, 0xA9]);
  assertThrows(() => encode("a\u0006b"), RangeError, `Cannot encode "a\\u0006b"`);
  assertThrows(() => encode("a\u0006b"), RangeError, `current value is "\\u0006"`);
  assertThrows(() => encodePrompt("\u{40000}"), RangeError, `current value is "\u{40000}"`);
});

Deno.test("encode() puts U+FFFD for half a surrogate pair, as UTF-8 does", () => {
  const { encode, decode } = toy();
  assertEquals(decode(encode("a\uD800b\uDFFF")), "a\uFFFDb\uFFFD");
});

Deno.test("encode() splits at every numeric character where digits stand alone", () => {
  const pre_tokenizer = {
    type: "Sequence",
    pretokenizers: [
      { type: "Digits", individual_digits: true },
      { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    ],
  };
  const merges = ["Â ½", "Ġ Â½", "Ġ 1"]; // which no word holds once digits stand alone
  const vocab = { ...JSON.parse(toyFiles()["tokenizer.json"]!).model.vocab, "Â½": 270 };
  const { encode } = toy({ json: { pre_tokenizer }, model: { merges, vocab } });
  assertEquals(encode("x \u00BD 12"), [0x78, 0x20, 270, 0x20, 0x31, 0x32]);
});

Deno.test("encodePrompt() puts special tokens in the frame and none in the question", () => {
  const { encodePrompt } = toy({ config: { chat_template: CHAT } });
  const question = "hello<end>\n<start>";
  assertEquals(encodePrompt(question), [
    ...[START, ...bytes("user\n"), HELLO, ...bytes("<end>\n<start>"), END, 10],
    ...[START, ...bytes("assistant\n")],
  ]);
});

Deno.test("encodePrompt() merges across the border of frame and question, as the whole text", () => {
  const { encodePrompt } = toy({ config: { chat_template: CHAT } });
  assertEquals(encodePrompt("\n").slice(0, 7), [START, ...bytes("user"), TWO_LINES, END]);
});

Deno.test("encodePrompt() puts a system message first, and its special tokens are text as well", () => {
  const { encodePrompt } = toy({ config: { chat_template: CHAT } }, { system: "<end>" });
  const system = [START, ...bytes("system\n<end>"), END, 10];
  assertEquals(encodePrompt("x").slice(0, system.length), system);
});

Deno.test("encodePrompt() starts with BOS once, whoever writes it", () => {
  const llama = { json: { post_processor: STARTS_WITH_BOS } };
  const withTemplate = (chat_template: string) => ({ ...llama, config: { chat_template } });
  const starts = (options: ToyOptions, prompt = {}) =>
    toy(options, prompt).encodePrompt("x").filter((id) => id === BOS).length;
  assertEquals(toy(llama).encodePrompt("x"), [BOS, 0x78]); // no template: the tokenizer does
  assertEquals(toy(llama).encode("x"), [0x78]);
  assertEquals(toy().encodePrompt("x"), [0x78]); // a tokenizer that starts with none
  assertEquals(starts(withTemplate("{{ bos_token }}" + CHAT)), 1); // the template does
  assertEquals(starts(withTemplate(CHAT)), 0); // nor is it added, as apply_chat_template
  assertEquals(starts(withTemplate(CHAT), { template: "none" }), 1);
  assertEquals(starts(llama, { template: "relift" }), 1);
  assertEquals(starts(llama, { template: "{{ bos_token }}{{ messages[-1].content }}" }), 1);
});

Deno.test("encodePrompt() asks by chat template where the folder has one, else bare", () => {
  assertEquals(toy().encodePrompt("x"), [0x78]);
  assertEquals(toy({ config: { chat_template: CHAT } }).encodePrompt("x")[0], START);
  const none = toy({ config: { chat_template: CHAT } }, { template: "none" });
  assertEquals(none.encodePrompt("x"), [0x78]);
  const own = toy({}, { template: "{{ messages[0].content }}=<end>" });
  assertEquals(own.encodePrompt("1+<end>"), [...bytes("1+<end>="), END]);
});

Deno.test("stopTokenIds are EOS, what the generation config names, and what ends a turn", () => {
  const stops = (config: object, generation?: unknown, template?: string) =>
    huggingFaceTokenizer({
      ...toyFiles({ config: { ...config } }),
      ...generation === undefined ? {} : { "generation_config.json": JSON.stringify(generation) },
    }, { template }).stopTokenIds;
  assertEquals(stops({}), [EOS]);
  assertEquals(stops({}, {}), [EOS]);
  assertEquals(stops({}, { eos_token_id: START }), [EOS, START]);
  assertEquals(stops({}, { eos_token_id: [START, EOS] }), [EOS, START]);
  assertEquals(stops({ chat_template: CHAT }), [EOS, END]); // <end> comes after an answer
  assertEquals(stops({ chat_template: CHAT }, { eos_token_id: [END] }), [EOS, END]);
  assertEquals(stops({ chat_template: "{{ messages[0].content }}" }), [EOS]); // shows no answer
  assertEquals(stops({ chat_template: "{{ raise_exception('no') }}" }, undefined, "none"), [EOS]);
  assertEquals(stops({}, undefined, CHAT), [EOS, END]); // a template of one's own
  assertEquals(stops({ eos_token: null }, { eos_token_id: END }), [END]);
});

Deno.test("padTokenId is the padding token, or EOS where there is none", () => {
  assertEquals(toy({ config: { pad_token: "<start>" } }).padTokenId, START);
  assertEquals(toy({ config: { pad_token: { content: "<start>" } } }).padTokenId, START);
  assertEquals(toy({ config: { pad_token: null } }).padTokenId, EOS);
  assertEquals(toy({ config: { pad_token: "<not there>" } }).padTokenId, EOS);
});

Deno.test("vocabSize is the highest id and one, whatever ids are left out", () => {
  assertEquals(toy().vocabSize, THINK + 1);
  assertEquals(toy({ json: { added_tokens: [] }, config: { eos_token: "hello" } }).vocabSize, 262);
  assertEquals(qwen.vocabSize, 151_665); // the model's own table has 151,936 rows
});

Deno.test("huggingFaceTokenizer() tells which file and field is wrong", () => {
  const files = toyFiles();
  const check = (
    changed: Record<string, string>,
    error: typeof TypeError | typeof SyntaxError,
    text: string,
  ) => assertThrows(() => huggingFaceTokenizer({ ...files, ...changed }, {}, "p"), error, text);
  check({ "tokenizer.json": "{" }, SyntaxError, "Cannot read p/tokenizer.json as it must be JSON");
  check({ "tokenizer.json": "{}" }, TypeError, "Cannot read p/tokenizer.json as model is wrong");
  check(
    { "tokenizer.json": toyFiles({ model: { type: "Unigram" } })["tokenizer.json"]! },
    TypeError,
    "Cannot read p/tokenizer.json as model.type is wrong",
  );
  check(
    { "generation_config.json": `{"eos_token_id":"a"}` },
    TypeError,
    "p/generation_config.json",
  );
  const word = { id: 0, content: "!", special: false, single_word: true };
  check(
    { "tokenizer.json": toyFiles({ json: { added_tokens: [word] } })["tokenizer.json"]! },
    TypeError,
    "Cannot read p/tokenizer.json as added_tokens.0.single_word is wrong",
  );
  check({ "tokenizer_config.json": "{}" }, TypeError, "must name an eos_token of its vocabulary");
  check({ "chat_template.jinja": "{% if %}" }, SyntaxError, "Cannot use the prompt template of p");
});

Deno.test("decode(encode(x)) is x, for Unicode at random and the hard texts", () => {
  const { encode, decode } = toy();
  for (const text of [...randomTexts(300), ...HARD_TEXTS]) assertEquals(decode(encode(text)), text);
});

Deno.test("decode(encode(x)) of Qwen2.5 is x composed (NFC), with no special token among the ids", () => {
  for (const text of [...randomTexts(300), ...HARD_TEXTS]) {
    const ids = qwen.encode(text);
    assertEquals(qwen.decode(ids), text.normalize("NFC"));
    assert(ids.every((id) => id < 151_643 || id >= 151_657), text); // those between are special
  }
});

Deno.test("decode() of the first ids is the start of the text, but for a character not yet whole", () => {
  for (const text of HARD_TEXTS.filter((text) => !text.includes("\uFFFD"))) {
    const [ids, whole] = [qwen.encode(text), text.normalize("NFC")];
    for (let end = 0; end <= ids.length; end++) {
      const start = qwen.decode(ids.slice(0, end)).replace(/\uFFFD+$/, "");
      assert(whole.startsWith(start), JSON.stringify({ whole, start }));
    }
  }
});

Deno.test("Qwen2.5 ends a completion by the token that ends its turns", () => {
  assertEquals(qwen.eosTokenId, 151_645); // <|im_end|>
  assertEquals(qwen.stopTokenIds, [151_645]);
  assertEquals(qwen.padTokenId, 151_643); // <|endoftext|>
});

Deno.test("encodePrompt() of Qwen2.5 gives the ids of transformers' apply_chat_template", async () => {
  // transformers 5.23.0: AutoTokenizer.from_pretrained(folder).apply_chat_template(
  //   [{"role": "system", "content": "Be brief."}, {"role": "user", "content": TEXT}],
  //   tokenize=True, add_generation_prompt=True)
  const brief = await readTokenizer(QWEN2_5, { system: "Be brief." });
  assertEquals(
    brief.encodePrompt("  Line one\n\nline two \n"),
    // deno-fmt-ignore
    [151644, 8948, 198, 3430, 9814, 13, 151645, 198, 151644, 872, 198, 220, 7083, 825, 271, 1056,
      1378, 715, 151645, 198, 151644, 77091, 198],
  );
  // The same without the system message, which the template then writes itself.
  assertEquals(
    qwen.encodePrompt("What is 2+2?"),
    // deno-fmt-ignore
    [151644, 8948, 198, 2610, 525, 1207, 16948, 11, 3465, 553, 54364, 14817, 13, 1446, 525, 264,
      10950, 17847, 13, 151645, 198, 151644, 872, 198, 3838, 374, 220, 17, 10, 17, 30, 151645, 198,
      151644, 77091, 198],
  );
});

Deno.test("Qwen2.5 gives the ids of the reference on hard texts", async () => {
  assertEquals(await fingerprint(qwen, HARD_TEXTS), "3824114cc9f2e4d7");
});

for (
  const [name, expected] of [
    ["gsm8k_test", "56c9d8cc826a7f49"],
    ["gsm8k_train", "f230150859202cf5"],
    ["math500", "7d3d0424c1a3ecb8"],
  ] as const
) {
  testWith(
    `Qwen2.5 gives the ids of the reference on ${name}`,
    { [name]: QUESTION_FILES[name].path },
    async () => assertEquals(await fingerprint(qwen, await questionTexts(name)), expected),
  );
}
