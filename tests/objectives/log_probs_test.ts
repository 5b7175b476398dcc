import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { PLAIN_SAMPLING } from "../../lib/compute/ops/sample.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import { initialWeights } from "../../lib/model/transformer.ts";
import { tokenBatch, type TrainingRow } from "../../lib/objectives/batch.ts";
import { scoreRows, scoreTokens } from "../../lib/objectives/log_probs.ts";
import { randomKey } from "../../lib/random.ts";
import { rollout } from "../../lib/rollout/rollout.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, take, TINY } from "../_devices.ts";

const CONFIG = modelConfig({ ...TINY, vocab_size: 11 });

eachDevice("scoreTokens() scores a row the same alone and beside longer rows", async () => {
  const weights = initialWeights(CONFIG, 1);
  const short: TrainingRow = { prompt: [3, 1], completion: [4, 1, 5], advantage: 0 };
  const long = { prompt: [9, 2, 6, 5, 3], completion: [5, 8, 9, 7, 9, 3, 2], advantage: 0 };
  const score = (rows: TrainingRow[]) =>
    tf.tidy(() => {
      const { logProbs, entropy } = scoreTokens({ weights, config: CONFIG }, tokenBatch(rows, 10));
      return tf.concat([logProbs.slice(0, 3), entropy.slice(0, 3)]); // of the first row
    });
  assertClose(await take(score([short])), await take(score([short, long])), 1e-5);
  tf.dispose(weights);
});

eachDevice("scoreTokens() scores each completion's tokens and nothing else", async () => {
  const weights = initialWeights(CONFIG, 1);
  const { logProbs, entropy } = tf.tidy(() => {
    const rows = [[1, 2], [3, 4]].map((prompt) => ({ prompt, completion: [5, 6], advantage: 0 }));
    return { ...scoreTokens({ weights, config: CONFIG }, tokenBatch(rows, 10)) };
  });
  assertEquals([logProbs.shape, entropy.shape], [[4], [4]]);
  assertEquals((await take(logProbs)).every((x) => x < 0), true);
  assertEquals((await take(entropy)).every((x) => x > 0 && x <= Math.log(11) + 1e-5), true);
  tf.dispose(weights);
}, { devices: ["cpu"] });

eachDevice("scoreRows() says what the sampler said, whatever is read at a time", async () => {
  const tokenizer = charTokenizer("0123456789+=");
  const policy = createPolicy(
    modelConfig({ ...TINY, vocab_size: tokenizer.vocabSize }),
    tokenizer,
    1,
  );
  const rollouts = await rollout(
    policy,
    ["7", "12345678=", "1+2="].map((prompt) => ({ id: prompt, prompt, answer: "" })),
    {
      ...PLAIN_SAMPLING,
      groupSize: 3,
      maxNewTokens: 12,
      random: (question, sample) => randomKey(1, question, sample),
    },
  );
  const completions = rollouts.flatMap(({ prompt, completions }) =>
    completions.map((completion) => ({ prompt, ...completion }))
  );
  const rows = completions.map(({ prompt, tokens }) => ({
    prompt,
    completion: tokens,
    advantage: 0,
  }));
  for (const maxTokens of [1, 30, 1000]) { // a row at a time, some, all
    const scores = await scoreRows(policy, rows, maxTokens);
    assertEquals(scores.length, rows.length);
    scores.forEach(({ logProbs, entropy }, row) => {
      const { logProbs: sampled, entropy: mean, tokens } = completions[row]!;
      assertClose(logProbs, sampled, 1e-4);
      assertClose([entropy.reduce((sum, x) => sum + x, 0) / tokens.length], [mean], 1e-4);
      assertEquals(entropy.length, tokens.length);
    });
  }
  disposePolicy(policy);
});

eachDevice("scoreRows() reads no rows", async () => {
  const tokenizer = charTokenizer("01");
  const vocab_size = tokenizer.vocabSize;
  const policy = createPolicy(modelConfig({ ...TINY, vocab_size }), tokenizer, 1);
  assertEquals(await scoreRows(policy, [], 100), []);
  disposePolicy(policy);
}, { devices: ["cpu"] });
