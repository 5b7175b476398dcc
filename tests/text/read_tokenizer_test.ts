import { assertEquals, assertRejects } from "@std/assert";
import { writeFilesWhole } from "../../lib/files.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import type { PromptOptions } from "../../lib/text/prompt_template.ts";
import { readTokenizer } from "../../lib/text/read_tokenizer.ts";
import type { Tokenizer } from "../../lib/text/tokenizer.ts";
import { QWEN2_5 } from "./_qwen2_5.ts";
import { BOS, CHAT, EOS, HELLO, START, toyFiles } from "./_toy_tokenizer.ts";

/** What is read from a folder of these files. */
async function readFolder(
  files: Readonly<Record<string, string>>,
  options?: PromptOptions,
): Promise<Tokenizer> {
  const parent = await Deno.makeTempDir();
  try {
    await writeFilesWhole(`${parent}/p`, files);
    return await readTokenizer(`${parent}/p`, options);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("readTokenizer() reads a published folder and gives its very files back", async () => {
  const files = {
    ...toyFiles(),
    "special_tokens_map.json": `{"pad_token": "<start>"}\n\n`,
    "generation_config.json": `{ "eos_token_id": [${EOS}, ${BOS}] }`,
    "chat_template.jinja": CHAT,
  };
  const tokenizer = await readFolder({ ...files, "model.bin": "not read" });
  assertEquals(tokenizer.files(), files);
  assertEquals(tokenizer.encode("hello"), [HELLO]);
  assertEquals(tokenizer.encodePrompt("hello")[0], START);
  assertEquals(tokenizer.padTokenId, START);
  assertEquals(tokenizer.stopTokenIds.slice(0, 2), [EOS, BOS]);
});

Deno.test("readTokenizer() takes the template of its own file, or a list's default", async () => {
  const list = [
    { name: "tool_use", template: "tools" },
    { name: "default", template: "{{ messages[0].content }}hello" },
  ];
  const files = toyFiles({ config: { chat_template: list } });
  assertEquals((await readFolder(files)).encodePrompt("x"), [0x78, HELLO]);
  const both = { ...files, "chat_template.jinja": CHAT };
  assertEquals((await readFolder(both)).encodePrompt("x")[0], START);
  assertEquals((await readFolder(both, { template: "none" })).encodePrompt("x"), [0x78]);
});

Deno.test("readTokenizer() reads the built-in policies' tokenizers of characters", async () => {
  const files = charTokenizer("ab").files();
  const tokenizer = await readFolder(files);
  assertEquals(tokenizer.encode("ba"), [1, 0]);
  assertEquals(tokenizer.files(), files);
});

Deno.test("readTokenizer() reads Qwen2.5 as npm has it", async () => {
  const tokenizer = await readTokenizer(QWEN2_5);
  assertEquals(tokenizer.encode("Hello, 2+2"), [9707, 11, 220, 17, 10, 17]);
  assertEquals(
    tokenizer.files()["tokenizer.json"],
    await Deno.readTextFile(`${QWEN2_5}/tokenizer.json`),
  );
});

Deno.test("readTokenizer() tells what is missing or wrong, and where", async () => {
  await assertRejects(() => readFolder({}), Deno.errors.NotFound, "p/tokenizer.json");
  await assertRejects(
    () => readFolder({ ...toyFiles(), "tokenizer.json": "{" }),
    SyntaxError,
    "p/tokenizer.json as it must be JSON",
  );
  await assertRejects(
    () => readFolder(charTokenizer("ab").files(), { template: "chat" }),
    RangeError,
    `has a tokenizer of characters, which was taught none: current value is {"template":"chat"}`,
  );
  await assertRejects(
    () => readFolder({ "tokenizer.json": `{"model": {"type": "WordLevel"}}` }),
    TypeError,
    "p/tokenizer.json",
  );
});
