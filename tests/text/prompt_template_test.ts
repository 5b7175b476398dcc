import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Message, PROMPT_TEMPLATES, promptFrame } from "../../lib/text/prompt_template.ts";
import { QWEN2_5_TEMPLATE } from "./_qwen2_5.ts";
import { CHAT } from "./_toy_tokenizer.ts";

const CONVERSATIONS: readonly (readonly Message[])[] = [
  [{ role: "user", content: "What is 2+2?" }],
  [
    { role: "system", content: "Be brief." },
    { role: "user", content: "  Line one\n\nline two \n" },
  ],
  [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hello." },
    { role: "user", content: `1 < 2 & "3" 'é'?` },
  ],
];

/** A template of the layout of Llama 3: BOS by the template, contents trimmed. */
const LLAMA3 =
  "{% for message in messages %}{% set turn = '<|start_header_id|>' + message['role']" +
  " + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}" +
  "{% if loop.index0 == 0 %}{% set turn = bos_token + turn %}{% endif %}{{ turn }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}" +
  "{% endif %}";

const render = (source: string, messages: readonly Message[]) =>
  promptFrame({}, source, { bos_token: "<|begin_of_text|>" }, "p")!.render(messages, true);

// What follows is transformers 5.23.0: AutoTokenizer.from_pretrained(folder).apply_chat_template(
//   conversation, tokenize=False, add_generation_prompt=True)
Deno.test("render() gives what transformers renders, for Qwen2.5", () => {
  const system = "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful " +
    "assistant.<|im_end|>\n";
  assertEquals(CONVERSATIONS.map((conversation) => render(QWEN2_5_TEMPLATE, conversation)), [
    `${system}<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n`,
    "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n  Line one\n\nline two \n" +
    "<|im_end|>\n<|im_start|>assistant\n",
    `${system}<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n` +
    `<|im_start|>user\n1 < 2 & "3" 'é'?<|im_end|>\n<|im_start|>assistant\n`,
  ]);
});

Deno.test("render() gives what transformers renders, for Llama 3", () => {
  const header = (role: string) => `<|start_header_id|>${role}<|end_header_id|>\n\n`;
  assertEquals(CONVERSATIONS.map((conversation) => render(LLAMA3, conversation)), [
    `<|begin_of_text|>${header("user")}What is 2+2?<|eot_id|>${header("assistant")}`,
    `<|begin_of_text|>${header("system")}Be brief.<|eot_id|>${header("user")}` +
    `Line one\n\nline two<|eot_id|>${header("assistant")}`,
    `<|begin_of_text|>${header("user")}Hi<|eot_id|>${header("assistant")}Hello.<|eot_id|>` +
    `${header("user")}1 < 2 & "3" 'é'?<|eot_id|>${header("assistant")}`,
  ]);
});

Deno.test("promptFrame() chooses chat where there is a template, else none", () => {
  assertEquals(promptFrame({}, undefined, {}, "p"), undefined);
  assertEquals(promptFrame({ template: "none" }, CHAT, {}, "p"), undefined);
  assertEquals(promptFrame({}, CHAT, {}, "p")!.chat, true);
  assertEquals(promptFrame({ template: "chat", system: "s" }, CHAT, {}, "p")!.system, "s");
  assertEquals(promptFrame({ template: "relift" }, CHAT, {}, "p")!.chat, false);
  assertEquals(promptFrame({ template: "{{ x }}" }, CHAT, { x: 1 }, "p")!.render([], true), "1");
});

Deno.test("promptFrame() tells a template that is not there, wrong, or refuses", () => {
  const check = (template: string, error: typeof RangeError | typeof SyntaxError, text: string) =>
    assertThrows(
      () => promptFrame({ template }, undefined, {}, "p")!.render(CONVERSATIONS[0]!, true),
      error,
      text,
    );
  check("chat", RangeError, "Cannot ask by chat template as p has none");
  check("luffy", RangeError, `chat, none, relift, relift-llama or the source of a Jinja template`);
  check("luffy", RangeError, `current value is "luffy"`);
  check("toString", RangeError, `current value is "toString"`);
  check("{% if %}", SyntaxError, "Cannot use the prompt template of p");
  check("{{ raise_exception('no users') }}", SyntaxError, "no users");
  assertThrows(
    () => promptFrame({ template: "none", system: "s" }, CHAT, {}, "p"),
    RangeError,
    "the template must have a place for it",
  );
});

Deno.test("relift has the layout of the paper's prompt", () => {
  const frame = promptFrame({ template: "relift" }, undefined, {}, "p")!;
  const { system } = PROMPT_TEMPLATES.relift!;
  // A systematic, long reasoning; two parts, Thought and Solution; think markers; a boxed answer.
  for (const word of ["systematically", "length", "Thought", "Solution", "\\boxed{}"]) {
    assert(system!.includes(word), word);
  }
  assert(/<think>.*<\/think>/s.test(system!));
  assertEquals(frame.system, system);
  const rendered = frame.render(
    [{ role: "system", content: "SYSTEM" }, { role: "user", content: "1+1=?" }],
    true,
  );
  // The system text, the user's line that introduces the problem, the turn opened by <think>.
  assertEquals(
    rendered,
    "SYSTEM\n\nUser: Please solve this problem:\n1+1=?\nAssistant: <think>\n",
  );
  const own = promptFrame({ template: "relift", system: "own" }, undefined, {}, "p")!;
  assertEquals(own.system, "own"); // as the data set's own system message
});

Deno.test("relift-llama asks plainly, step by step, without marks of thinking", () => {
  const frame = promptFrame({ template: "relift-llama" }, undefined, {}, "p")!;
  assertEquals(
    frame.render([{ role: "user", content: "1+1=?" }], true),
    "User: 1+1=?\nAnswer: We solve this step by step.\n",
  );
});
