import { assertEquals, assertThrows } from "@std/assert";
import { charTokenizer, readCharTokenizer } from "../../lib/text/char_tokenizer.ts";

/** The tokenizer that another program reads from a tokenizer's files. */
const readBack = (files: Record<string, string>) =>
  readCharTokenizer(JSON.parse(files["tokenizer.json"]!), "tokenizer.json");

Deno.test("charTokenizer() decodes what it encodes, for every character it knows", () => {
  const tokenizer = charTokenizer();
  const text = "\n" + Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");
  assertEquals(tokenizer.encode(text), Array.from({ length: 96 }, (_, id) => id));
  assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
  assertEquals(tokenizer.encode(""), []);
  assertEquals(tokenizer.vocabSize, 98);
});

Deno.test("charTokenizer() puts EOS and padding last, and they decode to nothing", () => {
  const tokenizer = charTokenizer("ab");
  assertEquals([tokenizer.vocabSize, tokenizer.eosTokenId, tokenizer.padTokenId], [4, 2, 3]);
  assertEquals(tokenizer.decode([2, 0, 3, 1, 2]), "ab");
});

Deno.test("charTokenizer() takes a character outside the basic plane as one token", () => {
  const tokenizer = charTokenizer("a😀é");
  assertEquals(tokenizer.encode("😀é"), [1, 2]);
  assertEquals(tokenizer.decode([1, 0]), "😀a");
});

Deno.test("charTokenizer() does not read the names of special tokens in a text", () => {
  assertEquals(charTokenizer("<>eos").encode("<eos>"), [0, 2, 3, 4, 1]);
});

Deno.test("encode() tells which character it does not know and where", () => {
  const { encode } = charTokenizer("0123456789+=");
  assertThrows(() => encode("12*3="), RangeError, `current value at 2 is "*"`);
  assertThrows(() => encode("1\n"), RangeError, `current value at 1 is "\\n"`);
  assertThrows(() => encode("12*3="), RangeError, `Cannot encode "12*3="`);
});

Deno.test("files() hold a tokenizer that Hugging Face's library reads", () => {
  const files = charTokenizer("ab").files();
  const special = {
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  };
  assertEquals(JSON.parse(files["tokenizer.json"]!), {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      { id: 2, content: "<eos>", ...special },
      { id: 3, content: "<pad>", ...special },
    ],
    normalizer: null,
    pre_tokenizer: {
      type: "Split",
      pattern: { Regex: "[\\s\\S]" },
      behavior: "Isolated",
      invert: false,
    },
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "WordLevel",
      vocab: { a: 0, b: 1, "<eos>": 2, "<pad>": 3 },
      unk_token: "<pad>",
    },
  });
  assertEquals(JSON.parse(files["tokenizer_config.json"]!), {
    tokenizer_class: "PreTrainedTokenizerFast",
    eos_token: "<eos>",
    pad_token: "<pad>",
  });
});

Deno.test("readCharTokenizer() reads back what files() wrote", () => {
  for (const characters of [undefined, "ab", "9876543210", `"\\é😀 `]) {
    const tokenizer = charTokenizer(characters);
    const again = readBack(tokenizer.files());
    assertEquals(again.files(), tokenizer.files());
    assertEquals(again.vocabSize, tokenizer.vocabSize);
    assertEquals(again.decode([0, 1]), tokenizer.decode([0, 1]));
  }
});

Deno.test("readCharTokenizer() rejects other vocabularies and names the file", () => {
  const wordLevel = (vocab: unknown) => ({ model: { type: "WordLevel", vocab } });
  for (
    const value of [
      null,
      {},
      { model: { type: "BPE", vocab: { a: 0, "<eos>": 1, "<pad>": 2 } } },
      wordLevel({}),
      wordLevel({ "<eos>": 0, "<pad>": 1 }), // no characters
      wordLevel({ ab: 0, "<eos>": 1, "<pad>": 2 }), // a word
      wordLevel({ a: 0, "<pad>": 1, "<eos>": 2 }), // in the wrong order
      wordLevel({ "<eos>": 0, "<pad>": 1, a: 2 }),
      wordLevel({ a: 0, "<eos>": 2, "<pad>": 3 }), // a gap
      wordLevel({ a: 0, b: 0, "<eos>": 1, "<pad>": 2 }), // an id twice
      wordLevel({ a: 0.5, "<eos>": 1, "<pad>": 2 }),
      wordLevel({ a: "0", "<eos>": 1, "<pad>": 2 }),
    ]
  ) {
    assertThrows(() => readCharTokenizer(value, "p/tokenizer.json"), TypeError, "p/tokenizer.json");
  }
});
