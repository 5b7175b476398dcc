import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { modelConfig } from "../../lib/model/config.ts";
import { initialWeights } from "../../lib/model/transformer.ts";
import { tokenBatch, type TrainingRow } from "../../lib/objectives/batch.ts";
import { scoreTokens, tokenLogProbs } from "../../lib/objectives/log_probs.ts";
import { assertClose, eachDevice, take, TINY } from "../_devices.ts";

eachDevice("tokenLogProbs() tells the target's log-probability and the entropy", async () => {
  const { logProbs, entropy } = tf.tidy(() => {
    // Weights 1 2 4 1 of 8, whatever constant is added to their logarithms; then four equal ones.
    const scores = [[1, 2, 4, 1].map((x) => Math.log(x) + 30), [-7, -7, -7, -7]];
    return tokenLogProbs(tf.tensor2d(scores), tf.tensor1d([1, 3], "int32"));
  });
  assertClose(await take(logProbs), [Math.log(2 / 8), Math.log(1 / 4)], 1e-5);
  // 1/8 × 3 bits + 1/4 × 2 + 1/2 × 1 + 1/8 × 3 = 1.75 bits, and 2 bits
  assertClose(await take(entropy), [1.75 * Math.LN2, 2 * Math.LN2], 1e-5);
});

eachDevice(
  "tokenLogProbs() has gradients one-hot minus softmax, and the entropy's own",
  async () => {
    const [byLogProb, byEntropy] = tf.tidy(() => {
      const scores = tf.tensor2d([[1, 2, 4, 1].map(Math.log)]), target = tf.tensor1d([1], "int32");
      return [
        tf.grad((x) => tokenLogProbs(x as tf.Tensor2D, target).logProbs)(scores),
        tf.grad((x) => tokenLogProbs(x as tf.Tensor2D, target).entropy)(scores),
      ];
    });
    assertClose(await take(byLogProb!), [-1 / 8, 1 - 2 / 8, -4 / 8, -1 / 8], 1e-6);
    // -p (ln p + H), in bits: p × (surprise - 1.75)
    const expected = [[1 / 8, 3], [1 / 4, 2], [1 / 2, 1], [1 / 8, 3]].map(([p, surprise]) =>
      p! * (surprise! - 1.75) * Math.LN2
    );
    assertClose(await take(byEntropy!), expected, 1e-6);
  },
);

eachDevice("tokenLogProbs() stays finite with scores far apart", async () => {
  const [values, gradient] = tf.tidy(() => {
    const scores = tf.tensor2d([[200, -200, 0]]), target = tf.tensor1d([1], "int32");
    const both = (x: tf.Tensor) => {
      const { logProbs, entropy } = tokenLogProbs(x as tf.Tensor2D, target);
      return tf.concat([logProbs, entropy]);
    };
    return [both(scores), tf.grad(both)(scores)];
  });
  assertClose(await take(values!), [-400, 0], 1e-6);
  assertClose(await take(gradient!), [-1, 1, 0], 1e-6);
});

eachDevice("scoreTokens() scores a row the same alone and beside longer rows", async () => {
  const config = modelConfig({ ...TINY, vocab_size: 11 });
  const weights = initialWeights(config, 1);
  const short: TrainingRow = { prompt: [3, 1], completion: [4, 1, 5], advantage: 0 };
  const long = { prompt: [9, 2, 6, 5, 3], completion: [5, 8, 9, 7, 9, 3, 2], advantage: 0 };
  const score = (rows: TrainingRow[]) =>
    tf.tidy(() => {
      const { logProbs, entropy } = scoreTokens(weights, config, tokenBatch(rows, 10));
      const both = tf.stack([logProbs, entropy]); // [2, rows, seq]
      return both.slice([0, 0, 1], [2, 1, 3]).reshape([6]); // the completion of the first row
    });
  assertClose(await take(score([short])), await take(score([short, long])), 1e-5);
  tf.dispose(weights);
});

eachDevice("scoreTokens() gives [batch, seq] of log-probabilities below 0", async () => {
  const config = modelConfig({ ...TINY, vocab_size: 11 });
  const weights = initialWeights(config, 1);
  const { logProbs, entropy } = tf.tidy(() => {
    const rows = [[1, 2], [3, 4]].map((prompt) => ({ prompt, completion: [5], advantage: 0 }));
    const scores = scoreTokens(weights, config, tokenBatch(rows, 10));
    return { logProbs: scores.logProbs, entropy: scores.entropy };
  });
  assertEquals([logProbs.shape, entropy.shape], [[2, 8], [2, 8]]);
  assertEquals((await take(logProbs)).every((x) => x < 0), true);
  assertEquals((await take(entropy)).every((x) => x > 0 && x <= Math.log(11) + 1e-5), true);
  tf.dispose(weights);
}, { devices: ["cpu"] });
