import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import type { Question } from "../../lib/data/question.ts";
import { type ModelConfig, modelConfig } from "../../lib/model/config.ts";
import { createPolicy, disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { tokenBatch } from "../../lib/objectives/batch.ts";
import { scoreTokens } from "../../lib/objectives/log_probs.ts";
import { randomKey } from "../../lib/random.ts";
import { type Completion, type Rollout, rollout, rowsThatFit } from "../../lib/rollout/rollout.ts";
import { PLAIN_SAMPLING } from "../../lib/compute/ops/sample.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, take, TINY } from "../_devices.ts";

const TOKENIZER = charTokenizer("0123456789+=");
const LLAMA = modelConfig({ ...TINY, vocab_size: TOKENIZER.vocabSize });
const QWEN2 = modelConfig({ ...TINY, model_type: "qwen2", vocab_size: TOKENIZER.vocabSize });
const DEVICES = { devices: ["cpu", "wasm with BLAS"] }; // for what no device can change

const OPTIONS = {
  ...PLAIN_SAMPLING,
  groupSize: 3,
  maxNewTokens: 6,
  random: (question: number, sample: number) => randomKey(1, "rollout", question, sample),
};

/** Questions with prompts of 1, 8, 9 and 3 tokens: on both sides of a bucket of 8. */
const QUESTIONS = ["7", "1234567=", "12345678=", "1+2"].map((prompt, i): Question => ({
  id: String(i),
  prompt,
  answer: "",
}));

const completionsOf = (rollouts: Rollout[]): Completion[] =>
  rollouts.flatMap(({ completions }) => completions);
const tokensOf = (rollouts: Rollout[]) => completionsOf(rollouts).map(({ tokens }) => tokens);

/**
 * A policy that gives each token the same probability whatever it has read: the stream is all ones
 * everywhere, and a row of the head holds its token's log-probability in 16 equal parts.
 */
function constantPolicy(probabilities: Record<string, number>): Policy {
  const policy = createPolicy(QWEN2, TOKENIZER, 1); // whose head is not the embedding
  for (const [name, weight] of Object.entries(policy.weights)) {
    if (/embed_tokens/.test(name)) tf.tidy(() => weight.assign(tf.ones(weight.shape)));
    if (/o_proj|down_proj/.test(name)) tf.tidy(() => weight.assign(tf.zeros(weight.shape)));
  }
  const rows = [..."0123456789+=", "EOS", "PAD"].map((token) =>
    new Array<number>(16).fill(Math.log(probabilities[token] ?? 1e-12) / 16)
  );
  tf.tidy(() => policy.weights["lm_head.weight"]!.assign(tf.tensor2d(rows)));
  return policy;
}

/** Rolls out and scores the same completions by the training forward pass. */
async function checkAgainstTraining(config: ModelConfig, seed: number): Promise<void> {
  const policy = createPolicy(config, TOKENIZER, seed);
  const rollouts = await rollout(policy, QUESTIONS, { ...OPTIONS, maxNewTokens: 12 });
  const rows = rollouts.flatMap(({ prompt, completions }) =>
    completions.map(({ tokens, logProbs }) => ({
      prompt,
      completion: tokens,
      advantage: 0,
      oldLogProbs: logProbs,
    }))
  );
  const [gaps, mask, entropies] = tf.tidy(() => {
    const batch = tokenBatch(rows, TOKENIZER.padTokenId);
    const { logProbs, entropy } = scoreTokens(policy, batch);
    const gaps = tf.mul(tf.sub(logProbs, batch.oldLogProbs), batch.mask);
    return [gaps, tf.sum(batch.mask), entropy];
  });
  const tokens = rows.reduce((sum, row) => sum + row.completion.length, 0);
  assertEquals(await take(mask), new Float32Array([tokens]));
  for (const gap of await take(gaps)) assert(Math.abs(gap) < 1e-4, `${gap} nats`);
  const trained = [...await take(entropies)];
  for (const { tokens, entropy } of completionsOf(rollouts)) {
    const own = trained.splice(0, tokens.length);
    assertClose([own.reduce((sum, x) => sum + x, 0) / own.length], [entropy], 1e-4);
  }
  // The check means something only where rows left the batch at different times.
  assert(new Set(rows.map((row) => row.completion.length)).size > 2);
  disposePolicy(policy);
}

eachDevice(
  "rollout() records the log-probabilities that training computes, for Llama",
  async () => {
    await checkAgainstTraining(LLAMA, 1);
  },
);

eachDevice(
  "rollout() records the log-probabilities that training computes, for Qwen2",
  async () => {
    await checkAgainstTraining(QWEN2, 2);
  },
);

eachDevice("rollout() ends a completion at EOS or at its last token, and says which", async () => {
  const policy = constantPolicy({ 7: 0.7, EOS: 0.3 });
  const completions = completionsOf(await rollout(policy, QUESTIONS, OPTIONS));
  for (const { tokens, text, finishReason } of completions) {
    const stopped = tokens.at(-1) === TOKENIZER.eosTokenId;
    assertEquals(finishReason, stopped ? "stop" : "length");
    assertEquals(tokens.indexOf(TOKENIZER.eosTokenId), stopped ? tokens.length - 1 : -1);
    assertEquals(text, "7".repeat(tokens.length - (stopped ? 1 : 0))); // without EOS
    if (!stopped) assertEquals(tokens.length, 6);
  }
  // 0.7⁶ = 12 % run out of tokens: both kinds are among twelve, whatever the device.
  assertEquals(new Set(completions.map(({ finishReason }) => finishReason)).size, 2);
  disposePolicy(policy);
});

eachDevice("rollout() tells log-probabilities and entropy of a policy worked by hand", async () => {
  const policy = constantPolicy({ 7: 0.75, EOS: 0.25 });
  const sampled = completionsOf(await rollout(policy, QUESTIONS, { ...OPTIONS, temperature: 0.5 }));
  // -(3/4 ln 3/4 + 1/4 ln 1/4) = 0.562335 nats; at T = 1/2 the odds 3 : 1 become 9 : 1.
  for (const { tokens, logProbs, samplingLogProbs, entropy } of sampled) {
    const seven = tokens.map((token) => token === 7);
    assertClose(logProbs, seven.map((is) => Math.log(is ? 0.75 : 0.25)), 1e-5);
    assertClose(samplingLogProbs, seven.map((is) => Math.log(is ? 0.9 : 0.1)), 1e-5);
    assertClose([entropy], [0.562335], 1e-5);
  }
  disposePolicy(policy);
}, DEVICES);

eachDevice(
  "rollout() gives one EOS where the policy prefers it and sampling is greedy",
  async () => {
    const policy = constantPolicy({ 7: 0.4, EOS: 0.6 });
    const rollouts = await rollout(policy, QUESTIONS, { ...OPTIONS, temperature: 0 });
    for (const { completions } of rollouts) {
      assertEquals(completions.length, 3);
      for (const completion of completions) {
        assertEquals(completion.tokens, [TOKENIZER.eosTokenId]);
        assertEquals([completion.text, completion.finishReason], ["", "stop"]);
        assertClose(completion.logProbs, [Math.log(0.6)], 1e-5);
        assertEquals(completion.samplingLogProbs, [0]);
      }
    }
    disposePolicy(policy);
  },
  DEVICES,
);

eachDevice("rollout() samples the same whichever completions share a batch", async () => {
  const policy = createPolicy(LLAMA, TOKENIZER, 1);
  const together = await rollout(policy, QUESTIONS, OPTIONS);
  for (const maxRows of [6, 1]) { // two questions a batch, and one
    const apart = await rollout(policy, QUESTIONS, { ...OPTIONS, maxRows });
    assertEquals(tokensOf(apart), tokensOf(together));
  }
  // A smaller group is the start of a larger one: each place has its own stream.
  const pairs = await rollout(policy, QUESTIONS, { ...OPTIONS, groupSize: 2 });
  assertEquals(
    pairs.map(({ completions }) => completions.map(({ tokens }) => tokens)),
    together.map(({ completions }) => completions.slice(0, 2).map(({ tokens }) => tokens)),
  );
  disposePolicy(policy);
});

eachDevice("rollout() samples the same from one seed and otherwise from another", async () => {
  const policy = createPolicy(LLAMA, TOKENIZER, 1);
  const first = await rollout(policy, QUESTIONS, OPTIONS);
  assertEquals(await rollout(policy, QUESTIONS, OPTIONS), first); // to the last bit
  const random = (question: number, sample: number) => randomKey(2, "rollout", question, sample);
  const other = await rollout(policy, QUESTIONS, { ...OPTIONS, random });
  assertNotEquals(tokensOf(other), tokensOf(first));
  disposePolicy(policy);
});

eachDevice("rollout() keeps questions, prompts and groups in order", async () => {
  const policy = constantPolicy({ 7: 1 });
  const asked: [number, number][] = [];
  const rollouts = await rollout(policy, QUESTIONS, {
    ...OPTIONS,
    groupSize: 2,
    maxRows: 5, // two questions a batch
    maxNewTokens: 1,
    random: (question, sample) => {
      asked.push([question, sample]);
      return [question, sample];
    },
  });
  assertEquals(rollouts.map(({ question }) => question), QUESTIONS);
  assertEquals(
    rollouts.map(({ prompt }) => prompt),
    QUESTIONS.map(({ prompt }) => TOKENIZER.encode(prompt)),
  );
  assertEquals(asked, [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1], [3, 0], [3, 1]]);
  assertEquals(await rollout(policy, [], OPTIONS), []);
  disposePolicy(policy);
}, DEVICES);

eachDevice("rollout() fills the policy's last position and asks for no more", async () => {
  const config = modelConfig({ ...LLAMA, max_position_embeddings: 10 });
  const policy = createPolicy(config, TOKENIZER, 1);
  const ask = (prompt: string, maxNewTokens: number) =>
    rollout(policy, [{ id: "q7", prompt, answer: "" }], { ...OPTIONS, maxNewTokens });
  assertEquals((await ask("1234", 6)).length, 1); // 4 + 6 = 10
  await assertRejects(() => ask("12345", 6), RangeError, "question q7");
  await assertRejects(() => ask("12345", 6), RangeError, "1 to 4 tokens: current value is 5");
  await assertRejects(() => ask("", 6), RangeError, "current value is 0");
  await assertRejects(() => ask("1*2", 6), RangeError, `"*"`);
  disposePolicy(policy);
}, DEVICES);

eachDevice("rollout() draws the same where completions start from nothing", async () => {
  const policy = createPolicy(LLAMA, TOKENIZER, 1);
  const plain = await rollout(policy, QUESTIONS, OPTIONS);
  for (const starts of [QUESTIONS.map(() => []), []]) {
    assertEquals(await rollout(policy, QUESTIONS, { ...OPTIONS, starts }), plain);
  }
  disposePolicy(policy);
});

eachDevice("rollout() goes on from a start as if it had drawn it", async () => {
  const policy = createPolicy(LLAMA, TOKENIZER, 3);
  const greedy = { ...OPTIONS, groupSize: 1, temperature: 0 };
  const whole = await rollout(policy, QUESTIONS, greedy);
  const starts = whole.map(({ completions: [completion] }, i) =>
    completion!.tokens.slice(0, Math.min(i + 1, completion!.tokens.length - 1))
  );
  assert(starts.some(({ length }) => length > 2));
  const continued = await rollout(policy, QUESTIONS, { ...greedy, starts });
  continued.forEach(({ prompt, completions: [rest] }, i) => {
    const [{ completions: [all], prompt: asked }, start] = [whole[i]!, starts[i]!];
    assertEquals(prompt, [...asked, ...start]);
    assertEquals(rest!.tokens, all!.tokens.slice(start.length));
    assertClose(rest!.logProbs, all!.logProbs.slice(start.length), 1e-4);
    // the verifier reads the whole, and the start counts towards the limit
    assertEquals([rest!.text, rest!.finishReason], [all!.text, all!.finishReason]);
  });
  disposePolicy(policy);
});

eachDevice("rollout() rejects a start that leaves no token to draw", async () => {
  const policy = createPolicy(LLAMA, TOKENIZER, 1);
  const starts = [[], TOKENIZER.encode("123456")];
  await assertRejects(
    () => rollout(policy, QUESTIONS, { ...OPTIONS, starts }),
    RangeError,
    "Cannot go on with question 1 as what its completions start from must have fewer than 6 " +
      "tokens: current value is 6",
  );
  disposePolicy(policy);
}, { devices: ["cpu"] });

eachDevice("rollout() rejects options out of range before it computes anything", async () => {
  const policy = createPolicy(LLAMA, TOKENIZER, 1);
  for (
    const [name, values] of [
      ["groupSize", [0, -1, 1.5, NaN]],
      ["maxNewTokens", [0, 0.5, Infinity]],
      ["maxRows", [0, NaN]],
      ["temperature", [-1]],
      ["topP", [0]],
      ["topK", [-1]],
    ] as const
  ) {
    for (const value of values) {
      await assertRejects(
        () => rollout(policy, QUESTIONS, { ...OPTIONS, [name]: value }),
        RangeError,
        `${name} must`,
      );
    }
  }
  disposePolicy(policy);
}, { devices: ["cpu"] });

eachDevice("rowsThatFit() counts keys and values of every layer", () => {
  // Qwen2.5-7B: 28 layers of 2 x 4 heads of width 128, 114,688 bytes a token as float32
  const config = { ...LLAMA, num_hidden_layers: 28, num_key_value_heads: 4, head_dim: 128 };
  assertEquals(rowsThatFit(config, 1024), Math.floor(2 ** 30 / (114_688 * 1024))); // 9
  assertEquals(rowsThatFit(config, 16), 512);
  assertEquals(rowsThatFit(config, 32_768), 0); // one group is decoded all the same
  return Promise.resolve();
}, { devices: ["cpu"] });
