import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { packedSequences } from "../../lib/compute/ops/attention.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { disposeCache, kvCache, readNext, readPrompts } from "../../lib/model/kv_cache.ts";
import { createPolicy, disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { forward, logits } from "../../lib/model/transformer.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, take, TINY } from "../_devices.ts";

const TOKENIZER = charTokenizer("0123456789");
const VOCAB = TOKENIZER.vocabSize;
const QWEN2 = modelConfig({ ...TINY, model_type: "qwen2", vocab_size: VOCAB, rope_theta: 100 });

/** Scores after the last token of a sequence that is read in one pass. */
async function scoresAfter(model: Policy, tokens: number[]): Promise<number[]> {
  const all = tf.tidy(() => {
    const sequences = packedSequences([tokens.length]);
    return logits(model, forward(model, tf.tensor1d(tokens, "int32"), sequences));
  });
  return [...await take(all)].slice(-VOCAB);
}

eachDevice("readPrompts() and readNext() give the scores of one pass", async () => {
  const policy = createPolicy(QWEN2, TOKENIZER, 2);
  const prompts = [[3, 1, 4, 1, 5], [2], [7, 1, 8]];
  const cache = kvCache(policy, {
    promptSlots: 4,
    promptCapacity: 5,
    completionSlots: 5,
    completionCapacity: 6,
  });
  const first = readPrompts(policy, cache, prompts, [3, 0, 2]);
  assertEquals(first.shape, [3, VOCAB]);
  const whole = await Promise.all(prompts.map((prompt) => scoresAfter(policy, prompt)));
  assertClose(await take(first), whole.flat(), 1e-5);

  // Rows: two completions of the first prompt, one of the third; then the first of them has left.
  let rows = [
    { prompt: 0, promptSlot: 3, slot: 4, tokens: [9, 2, 6] },
    { prompt: 2, promptSlot: 2, slot: 0, tokens: [5, 3, 5] },
    { prompt: 0, promptSlot: 3, slot: 1, tokens: [8, 9, 7] },
  ];
  for (const [start, steps] of [[0, 2], [2, 1]] as const) { // a block of two steps, and one of one
    const [where, positions] = tf.tidy(() => [
      tf.tensor2d(
        [
          rows.map(({ slot }) => slot),
          rows.map(({ promptSlot }) => promptSlot),
          rows.map(({ prompt }) => prompts[prompt]!.length),
          rows.map(() => start),
        ],
        undefined,
        "int32",
      ),
      tf.tensor1d(rows.map(({ prompt }) => prompts[prompt]!.length + start), "int32"),
    ]);
    for (let step = 0; step < steps; step++) {
      const at = start + step;
      const tokens = tf.tensor1d(rows.map(({ tokens }) => tokens[at]!), "int32");
      const scores = readNext(policy, cache, tokens, where, positions, step);
      const expected = await Promise.all(
        rows.map(({ prompt, tokens }) =>
          scoresAfter(policy, [...prompts[prompt]!, ...tokens.slice(0, at + 1)])
        ),
      );
      assertClose(await take(scores), expected.flat(), 1e-5);
      tokens.dispose();
    }
    tf.dispose([where, positions]);
    rows = rows.slice(1);
  }
  disposeCache(cache), disposePolicy(policy);
});
