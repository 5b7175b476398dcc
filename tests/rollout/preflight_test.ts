import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Question } from "../../lib/data/question.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { createPolicy, disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { preflight, type PreflightReport, preflightText } from "../../lib/rollout/preflight.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { huggingFaceTokenizer } from "../../lib/text/hugging_face_tokenizer.ts";
import type { PromptOptions } from "../../lib/text/prompt_template.ts";
import type { Tokenizer } from "../../lib/text/tokenizer.ts";
import { eachDevice, TINY } from "../_devices.ts";
import {
  BOS,
  CHAT,
  END,
  EOS,
  START,
  STARTS_WITH_BOS,
  THINK,
  toyFiles,
  type ToyOptions,
} from "../text/_toy_tokenizer.ts";

const CPU = { devices: ["cpu"] }; // no device changes what is asked
const ALL_IDS = Array.from({ length: THINK + 1 }, (_, id) => id);

const question = (prompt: string, demonstration?: string): Question => ({
  id: "q1",
  prompt,
  answer: "",
  demonstration,
});
const chat = (options: ToyOptions = {}, prompt: PromptOptions = {}): Tokenizer =>
  huggingFaceTokenizer(
    toyFiles({
      ...options,
      config: { pad_token: "<start>", chat_template: CHAT, ...options.config },
    }),
    prompt,
  );

/** What preflight finds with a tokenizer and a small random policy. */
async function report(
  tokenizer: Tokenizer,
  asked: Question,
  { room = 64, maxNewTokens = 4 }: { room?: number; maxNewTokens?: number } = {},
): Promise<PreflightReport> {
  const shape = { ...TINY, vocab_size: tokenizer.vocabSize, max_position_embeddings: room };
  const policy: Policy = createPolicy(modelConfig(shape), tokenizer, 1);
  try {
    return await preflight(policy, asked, { maxNewTokens });
  } finally {
    disposePolicy(policy);
  }
}

/** The warnings that hold a text. */
const warned = ({ warnings }: PreflightReport, text: string): string[] =>
  warnings.filter((warning) => warning.includes(text));

eachDevice("preflight() shows the prompt, its ends, the tokens that end and fill up", async () => {
  const found = await report(chat({}, { system: "Be brief." }), question("1+1?"));
  assertEquals(
    found.prompt,
    "<start>system\nBe brief.<end>\n<start>user\n1+1?<end>\n<start>assistant\n",
  );
  assertEquals(found.promptStart[0], { id: START, text: "<start>" });
  assertEquals(found.promptStart.length, 12);
  assertEquals(found.promptEnd.map(({ text }) => text).join(""), "\n<start>assistant\n");
  assertEquals(found.eos, { id: EOS, text: "<eos>" });
  assertEquals(found.stops, [{ id: EOS, text: "<eos>" }, { id: END, text: "<end>" }]);
  assertEquals(found.pad, { id: START, text: "<start>" });
  assertEquals(found.sample!.tokens.length, 4);
  assertEquals(found.sample!.finishReason, "length");
}, CPU);

eachDevice("preflight() shows all of a short prompt once", async () => {
  const tokenizer = charTokenizer("0123456789+=");
  const found = await report(tokenizer, question("12+3="));
  assertEquals(found.promptStart.map(({ text }) => text), ["1", "2", "+", "3", "="]);
  assertEquals([found.promptEnd, found.promptTokens], [[], 5]);
  assertEquals(found.warnings.length, 1); // that a random policy does not end
}, CPU);

eachDevice("preflight() warns of completions that do not end, or are empty", async () => {
  const tokenizer = chat();
  const endless = await report({ ...tokenizer, stopTokenIds: [] }, question("x"));
  assertEquals(warned(endless, "did not end within 4 tokens").length, 1);
  const empty = await report({ ...tokenizer, stopTokenIds: ALL_IDS }, question("x"));
  assertEquals(empty.sample!.finishReason, "stop");
  assertEquals(warned(empty, "The greedy sample is empty").length, 1);
  assertEquals(warned(empty, "did not end").length, 0);
}, CPU);

eachDevice("preflight() warns when padding is a token that ends", async () => {
  const shared = await report(chat({ config: { pad_token: null } }), question("x"));
  assertEquals(warned(shared, "<eos> both fills rows up and ends").length, 1);
  assertEquals(warned(await report(chat(), question("x")), "fills rows up").length, 0);
}, CPU);

eachDevice("preflight() warns of a BOS that is there twice", async () => {
  const llama = { json: { post_processor: STARTS_WITH_BOS } };
  const tokenizer = chat(llama, { template: "none" });
  const twice = { ...tokenizer, encodePrompt: () => [BOS, BOS, 120] };
  assertEquals(warned(await report(twice, question("x")), "starts with <bos> twice").length, 1);
  assertEquals(warned(await report(tokenizer, question("x")), "twice").length, 0);
  assertEquals(warned(await report(tokenizer, question("22")), "twice").length, 0); // plain text
}, CPU);

eachDevice(
  "preflight() warns of a prompt too long to go on from, and takes no sample",
  async () => {
    const found = await report(chat(), question("x".repeat(60)));
    assertEquals(found.sample, undefined);
    assertEquals(warned(found, "leaves no room for a completion").length, 1);
    const close = await report(charTokenizer("x"), question("x".repeat(62)));
    assertEquals(close.sample!.tokens.length <= 2, true); // as many as there is room for
    const none = await report(charTokenizer("x"), question(""));
    assertEquals([none.sample, warned(none, "The prompt is empty").length], [undefined, 1]);
  },
  CPU,
);

eachDevice("preflight() warns of a vocabulary that is larger than the model's", async () => {
  const tokenizer = charTokenizer("abc");
  const config = modelConfig({ ...TINY, vocab_size: 5 });
  const policy = createPolicy(config, tokenizer, 1);
  const smaller = { ...policy, config: { ...config, vocab_size: 4 } };
  const found = await preflight(smaller, question("ab"), { maxNewTokens: 2 });
  assertEquals(warned(found, "The tokenizer has 5 ids, the model only 4").length, 1);
  disposePolicy(policy);
}, CPU);

eachDevice("preflight() warns of a chat template that is not used", async () => {
  const unused = "has a chat template, but questions are asked without it";
  const none = await report(chat({}, { template: "none" }), question("x"));
  assertEquals(warned(none, unused).length, 1);
  const withBos = { json: { post_processor: STARTS_WITH_BOS } };
  assertEquals(
    warned(await report(chat(withBos, { template: "none" }), question("x")), unused).length,
    1,
  );
  assertEquals(warned(await report(chat(), question("x")), unused).length, 0);
  assertEquals(warned(await report(charTokenizer("x"), question("x")), unused).length, 0);
}, CPU);

eachDevice("preflight() warns of turns that end otherwise than demonstrations", async () => {
  const differs = "Turns of the prompt end with <end>, but demonstrations with <eos>";
  assertEquals(warned(await report(chat(), question("x")), differs).length, 1);
  const same = chat({ config: { eos_token: "<end>" } });
  assertEquals(warned(await report(same, question("x")), "demonstrations with").length, 0);
}, CPU);

eachDevice("preflight() warns of a template that writes the date", async () => {
  const dated = chat({ config: { chat_template: "{{ strftime_now('%d %b %Y') }}" + CHAT } });
  assertEquals(warned(await report(dated, question("x")), "today's date").length, 1);
}, CPU);

eachDevice("preflight() names the question that the vocabulary cannot spell", async () => {
  await assertRejects(
    () => report(charTokenizer("x"), question("y")),
    RangeError,
    "Cannot use the prompt of question q1",
  );
}, CPU);

Deno.test("preflightText() shows everything, line by line", () => {
  const text = preflightText({
    question: "q1",
    prompt: "<s>a\nb",
    promptTokens: 3,
    promptStart: [{ id: 1, text: "<s>" }],
    promptEnd: [{ id: 5, text: "\nb" }],
    eos: { id: 2, text: "</s>" },
    stops: [{ id: 2, text: "</s>" }, { id: 3, text: "<end>" }],
    pad: { id: 0, text: "<pad>" },
    sample: { text: "four", tokens: [9, 2], finishReason: "stop" },
    warnings: ["Something is wrong"],
  });
  assertEquals(text.split("\n"), [
    "Prompt of question q1, 3 tokens:",
    "  | <s>a",
    "  | b",
    `  starts  1 "<s>"`,
    `  ends    5 "\\nb"`,
    `EOS     2 "</s>"`,
    `Stops   2 "</s>", 3 "<end>"`,
    `Padding 0 "<pad>"`,
    "Greedy sample, 2 tokens, finish reason stop:",
    "  | four",
    "Warning: Something is wrong",
  ]);
});

eachDevice("preflightText() says so when there is no sample", async () => {
  const text = preflightText(await report(charTokenizer("x"), question("")));
  assert(text.includes("No greedy sample"), text);
}, CPU);
