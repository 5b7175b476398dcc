import { assert, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { modelConfig } from "../../lib/model/config.ts";
import { initialWeights, type Weights } from "../../lib/model/transformer.ts";
import {
  completionTokens,
  microBatches,
  tokenBatch,
  type TrainingRow,
} from "../../lib/objectives/batch.ts";
import { scoreTokens } from "../../lib/objectives/log_probs.ts";
import { policyTokenLoss } from "../../lib/objectives/policy_loss.ts";
import { maskedSum } from "../../lib/objectives/reduce.ts";
import { accumulateGradients, type LossAndSums } from "../../lib/optim/accumulate.ts";
import { assertClose, eachDevice, take, TINY } from "../_devices.ts";

const CONFIG = modelConfig({ ...TINY, vocab_size: 11 });

/** Six rows of different lengths; old log-probabilities near those of an untrained policy. */
const ROWS: TrainingRow[] = [[2, 3], [1, 9], [5, 1], [3, 12], [4, 4], [2, 7]].map(
  ([prompt, completion], r) => ({
    prompt: Array.from({ length: prompt! }, (_, i) => (r + 3 * i) % 9),
    completion: Array.from({ length: completion! }, (_, i) => (2 * r + 5 * i) % 9),
    advantage: Math.sin(r),
    oldLogProbs: Array.from({ length: completion! }, (_, i) => -2.4 + 0.1 * Math.sin(i)),
  }),
);

/** The clipped policy loss of some rows over the tokens of all; padding costs nothing. */
function policyLoss(weights: Weights, rows: TrainingRow[], padTokenId = 10): LossAndSums {
  const batch = tokenBatch(rows, padTokenId);
  const { mask, advantages, oldLogProbs } = batch;
  const { logProbs, entropy } = scoreTokens({ weights, config: CONFIG }, batch);
  const clip = { low: 0.2, high: 0.28, dual: 3 };
  const { loss } = policyTokenLoss(logProbs, oldLogProbs, advantages, clip);
  return {
    loss: tf.div(maskedSum(loss, mask), completionTokens(ROWS)),
    sums: { tokens: tf.sum(mask), entropy: maskedSum(entropy, mask) },
  };
}

eachDevice("accumulateGradients() gives the token mean however the rows are split", async () => {
  const weights = initialWeights(CONFIG, 1);
  const results = [];
  for (const [maxTokens, parts] of [[1000, 1], [30, 2], [15, 4], [1, 6]] as const) {
    const batches = microBatches(ROWS, maxTokens);
    assertEquals(batches.length, parts);
    const result = await accumulateGradients(weights, batches, (rows) => policyLoss(weights, rows));
    const gradients = await Promise.all(Object.values(result.gradients).map(take));
    results.push({ ...result, gradients });
  }
  const [whole, ...splits] = results;
  assertEquals(whole!.sums.tokens, 36); // 3 + 9 + 1 + 12 + 4 + 7
  for (const split of splits) {
    assertClose([split.loss], [whole!.loss], 1e-5);
    assertEquals(split.sums.tokens, 36);
    assertClose([split.sums.entropy! / 36], [whole!.sums.entropy! / 36], 1e-5);
    split.gradients.forEach((gradient, i) => assertClose(gradient, whole!.gradients[i]!, 1e-5));
  }
  assert(whole!.gradients.every((gradient) => gradient.some((x) => Math.abs(x) > 1e-4)));
  tf.dispose(weights);
});

eachDevice("accumulateGradients() adds up loss, sums and gradients worked by hand", async () => {
  const weights = tf.tidy(() => ({ w: tf.variable(tf.tensor1d([3, -1])) }));
  const inputs = tf.tidy(() => [[1, 2], [4, 8]].map((x) => tf.keep(tf.tensor1d(x))));
  const { gradients, loss, sums } = await accumulateGradients(weights, inputs, (x) => ({
    loss: tf.sum(tf.mul(tf.square(weights.w), x)), // gradient 2 w x
    sums: { ones: tf.scalar(1), x: tf.sum(x) },
  }));
  assertEquals(loss, 55); // 9 (1 + 4) + 1 (2 + 8)
  assertEquals(sums, { ones: 2, x: 15 });
  assertEquals([...await take(gradients.w!)], [30, -20]); // 2 × 3 × 5, 2 × -1 × 10
  tf.dispose([weights, inputs]);
});

eachDevice("accumulateGradients() gives nothing for no micro-batches", async () => {
  const weights = tf.tidy(() => ({ w: tf.variable(tf.tensor1d([3, -1])) }));
  const { gradients, loss, sums } = await accumulateGradients(weights, [], () => ({
    loss: tf.sum(weights.w) as tf.Scalar,
    sums: {},
  }));
  assertEquals([loss, sums, gradients], [0, {}, {}]);
  tf.dispose(weights);
}, { devices: ["cpu"] });

eachDevice(
  "tokenBatch() fills rows up with ids that change neither the loss nor a gradient",
  async () => {
    const weights = initialWeights(CONFIG, 1);
    const results = [];
    for (const padTokenId of [10, 9]) { // ids that no row holds
      const { gradients, loss } = await accumulateGradients(
        weights,
        [ROWS],
        (rows) => policyLoss(weights, rows, padTokenId),
      );
      const table = gradients["model.embed_tokens.weight"]!;
      tf.dispose(Object.values(gradients).filter((gradient) => gradient !== table));
      results.push({ loss, table: await take(table) });
    }
    assertClose([results[1]!.loss], [results[0]!.loss], 1e-6);
    assertClose(results[1]!.table, results[0]!.table, 1e-6);
    tf.dispose(weights);
  },
);

eachDevice("maskedSum() gives a token that is masked a gradient of exactly zero", async () => {
  const gradient = tf.tidy(() => {
    const [mask, old] = [tf.tensor1d([0, 1, 1, 0]), tf.fill([4], -1.5) as tf.Tensor1D];
    const advantages = tf.fill([4], 0.5) as tf.Tensor1D;
    const clip = { low: 0.2, high: 0.2, dual: 3 };
    return tf.grad((x) =>
      maskedSum(policyTokenLoss(x as tf.Tensor1D, old, advantages, clip).loss, mask)
    )(tf.tensor1d([-30, -1.5, -1.6, 0]));
  });
  const [before, first, second, after] = await take(gradient);
  assert(before === 0 && after === 0);
  assertClose([first!, second!], [-0.5, -0.5 * Math.exp(-0.1)], 1e-6); // -A r
});
