import { assertEquals } from "@std/assert";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { huggingFaceTokenizer } from "../../lib/text/hugging_face_tokenizer.ts";
import { speller } from "../../lib/text/speller.ts";
import { BOS, END, HELLO, THINK, toyFiles } from "./_toy_tokenizer.ts";

Deno.test("speller() spells special tokens out, between the text that decode() gives", () => {
  const spell = speller(huggingFaceTokenizer(toyFiles()));
  assertEquals(spell([BOS, HELLO, 0xC3, 0xA9, END, END]), "<bos>helloé<end><end>");
  assertEquals(spell([THINK, HELLO]), "<think>hello");
  assertEquals(spell([]), "");
});

Deno.test("speller() spells the tokens of the built-in policies", () => {
  const tokenizer = charTokenizer("ab");
  assertEquals(
    speller(tokenizer)([0, 1, tokenizer.eosTokenId, tokenizer.padTokenId]),
    "ab<eos><pad>",
  );
});
