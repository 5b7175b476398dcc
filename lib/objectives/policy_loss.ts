import * as tf from "@tensorflow/tfjs";

/** Limits on the probability ratio. */
export interface RatioClip {
  /** ε_low in `(0, 1]`: a bad token is pushed no further once its ratio is below `1 - low`. */
  readonly low: number;
  /** ε_high > 0: a good token is pushed no further once its ratio is above `1 + high`. */
  readonly high: number;
  /**
   * c > 1: the loss of a bad token grows no further once its ratio is above c (arXiv:1912.09729);
   * null for no such limit.
   */
  readonly dual: number | null;
}

/** Per-token loss and what it is made of; not reduced. */
export interface PolicyTokenLoss {
  /** `[tokens]`, to be minimized. */
  readonly loss: tf.Tensor1D;
  /** `[tokens]`, `exp(logProbs - oldLogProbs)`. */
  readonly ratio: tf.Tensor1D;
  /** `[tokens]`: 1 where the clip removed the gradient. */
  readonly clipped: tf.Tensor1D;
}

/**
 * Clipped policy-gradient loss of each token (arXiv:1707.06347, eq. 7; separate limits as in DAPO,
 * arXiv:2503.14476, eq. 10; dual clip arXiv:1912.09729, eq. 5). No KL term, no reduction. A ratio
 * beyond float32 (88 nats) makes the gradient non-finite, and the optimizer skips the step.
 *
 * @param logProbs `[tokens]`, nats, of the policy being trained.
 * @param oldLogProbs `[tokens]`, nats, of the policy that sampled.
 * @param advantages `[tokens]`.
 * @param clip Null for no limit at all, as ReLIFT's first version trains.
 */
export function policyTokenLoss(
  logProbs: tf.Tensor1D,
  oldLogProbs: tf.Tensor1D,
  advantages: tf.Tensor1D,
  clip: RatioClip | null,
): PolicyTokenLoss {
  const ratio = tf.exp(tf.sub(logProbs, oldLogProbs)) as tf.Tensor1D;
  const free = tf.neg(tf.mul(ratio, advantages)) as tf.Tensor1D;
  if (clip === null) return { loss: free, ratio, clipped: tf.zerosLike(ratio) };
  const limited = tf.clipByValue(ratio, 1 - clip.low, 1 + clip.high);
  const bound = tf.neg(tf.mul(limited, advantages));
  const loss = tf.maximum(free, bound) as tf.Tensor1D;
  const clipped = tf.greater(bound, free);
  if (clip.dual === null) return { loss, ratio, clipped: clipped.cast("float32") };
  const bad = tf.less(advantages, 0);
  const ceiling = tf.mul(tf.abs(advantages), clip.dual); // -A c where A < 0
  const capped = tf.logicalAnd(bad, tf.greater(loss, ceiling));
  return {
    // The condition depends on no weight: a comparison has no gradient in TensorFlow.js 4.22.
    loss: tf.where(bad, tf.minimum(loss, ceiling), loss),
    ratio,
    clipped: tf.logicalOr(clipped, capped).cast("float32"),
  };
}
