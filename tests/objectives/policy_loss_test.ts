import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { policyTokenLoss, type RatioClip } from "../../lib/objectives/policy_loss.ts";
import { maskedSum } from "../../lib/objectives/reduce.ts";
import { assertClose, eachDevice, take } from "../_devices.ts";

/** Loss, gradient by the log-probability and clip flag of tokens with these ratios. */
async function tokenLoss(
  ratios: number[],
  advantage: number,
  clip: RatioClip | null,
): Promise<{ loss: Float32Array; gradient: Float32Array; clipped: Float32Array }> {
  const [loss, gradient, clipped] = tf.tidy(() => {
    const old = tf.tensor1d(ratios.map((_, i) => -1 - i));
    const logProbs = tf.add(old, tf.tensor1d(ratios.map(Math.log))) as tf.Tensor1D;
    const advantages = tf.fill([ratios.length], advantage) as tf.Tensor1D;
    const run = (x: tf.Tensor) => policyTokenLoss(x as tf.Tensor1D, old, advantages, clip);
    const { loss, clipped } = run(logProbs);
    return [loss, tf.grad((x) => run(x).loss)(logProbs), clipped];
  });
  return { loss: await take(loss), gradient: await take(gradient), clipped: await take(clipped) };
}

// On either side of both limits, and past the dual clip; DAPO's limits are 0.2 and 0.28.
const RATIOS = [0.5, 0.9, 1, 1.2, 2, 4];
const CLIP = { low: 0.2, high: 0.28, dual: null };

eachDevice("policyTokenLoss() stops pushing a good token above 1 + high", async () => {
  const { loss, gradient, clipped } = await tokenLoss(RATIOS, 2, CLIP);
  // -A min(r, 1.28); its slope by the log-probability is -A r, or 0 where the limit holds.
  assertClose(loss, [-1, -1.8, -2, -2.4, -2.56, -2.56], 1e-5);
  assertClose(gradient, [-1, -1.8, -2, -2.4, 0, 0], 1e-5);
  assertEquals([...clipped], [0, 0, 0, 0, 1, 1]);
});

eachDevice("policyTokenLoss() stops pushing a bad token below 1 - low", async () => {
  const { loss, gradient, clipped } = await tokenLoss(RATIOS, -2, CLIP);
  // -A max(r, 0.8): a bad token that became likelier is pushed back with full force.
  assertClose(loss, [1.6, 1.8, 2, 2.4, 4, 8], 1e-5);
  assertClose(gradient, [0, 1.8, 2, 2.4, 4, 8], 1e-5);
  assertEquals([...clipped], [1, 0, 0, 0, 0, 0]);
});

eachDevice("policyTokenLoss() bounds the loss of a bad token by the dual clip", async () => {
  const dual = { ...CLIP, dual: 3 };
  const bad = await tokenLoss(RATIOS, -2, dual);
  assertClose(bad.loss, [1.6, 1.8, 2, 2.4, 4, 6], 1e-5); // min(−A r, −A c) = min(8, 6)
  assertClose(bad.gradient, [0, 1.8, 2, 2.4, 4, 0], 1e-5);
  assertEquals([...bad.clipped], [1, 0, 0, 0, 0, 1]);

  const good = await tokenLoss(RATIOS, 2, dual); // which it does not concern
  assertClose(good.loss, [-1, -1.8, -2, -2.4, -2.56, -2.56], 1e-5);
  assertClose(good.gradient, [-1, -1.8, -2, -2.4, 0, 0], 1e-5);
  assertEquals([...good.clipped], [0, 0, 0, 0, 1, 1]);
});

eachDevice("policyTokenLoss() has no limit without a clip", async () => {
  for (const advantage of [2, -2]) {
    const { loss, gradient, clipped } = await tokenLoss(RATIOS, advantage, null);
    assertClose(loss, RATIOS.map((ratio) => -advantage * ratio), 1e-5);
    assertClose(gradient, RATIOS.map((ratio) => -advantage * ratio), 1e-5);
    assertClose(clipped, RATIOS.map(() => 0), 0);
  }
});

eachDevice("policyTokenLoss() is 0 with a gradient of 0 where the advantage is 0", async () => {
  for (const clip of [null, CLIP, { ...CLIP, dual: 3 }]) {
    const { loss, gradient, clipped } = await tokenLoss(RATIOS, 0, clip);
    const zeros = RATIOS.map(() => 0);
    assertClose(loss, zeros, 0), assertClose(gradient, zeros, 0), assertClose(clipped, zeros, 0);
  }
});

eachDevice("policyTokenLoss() has the ratio of new to old probabilities", async () => {
  const ratio = tf.tidy(() => {
    const [now, old] = [tf.tensor1d([-1, -2]), tf.tensor1d([-2, -1.5])];
    return policyTokenLoss(now, old, tf.tensor1d([1, 1]), CLIP).ratio;
  });
  assertClose(await take(ratio), [Math.E, Math.exp(-0.5)], 1e-6);
});

eachDevice("policyTokenLoss() on policy has the token mean's gradient −A/N per token", async () => {
  const mask = [1, 1, 0, 1, 0, 0]; // N = 3 tokens count
  const gradient = tf.tidy(() => {
    const old = tf.tensor1d([-1, -2, -3, -0.5, -4, -1]);
    const advantages = tf.tensor1d([1.5, 1.5, 1.5, -0.75, -0.75, -0.75]);
    return tf.grad((x) =>
      tf.div(
        maskedSum(
          policyTokenLoss(x as tf.Tensor1D, old, advantages, { ...CLIP, dual: 3 }).loss,
          tf.tensor1d(mask),
        ),
        3,
      )
    )(tf.clone(old)); // another tensor, else the gradient would reach the old ones too
  });
  // Exactly 0, not merely small, for the tokens that do not count.
  assertEquals([...await take(gradient)].map((x) => x + 0), [-0.5, -0.5, 0, 0.25, 0, 0]);
});

eachDevice("maskedSum() adds up what the mask leaves", async () => {
  const sum = tf.tidy(() =>
    maskedSum(tf.tensor1d([1, 2, 4, 8, 16, 32]), tf.tensor1d([1, 0, 1, 0, 1, 0]))
  );
  assertEquals(await take(sum), new Float32Array([21])); // 1 + 4 + 16
});
