import * as tf from "@tensorflow/tfjs";

/**
 * Sum of the values where the mask is 1.
 *
 * @param values `[batch, seq]`, finite.
 * @param mask `[batch, seq]`, 0 or 1.
 * @returns `[]`.
 */
export function maskedSum(values: tf.Tensor2D, mask: tf.Tensor2D): tf.Scalar {
  return tf.sum(tf.mul(values, mask));
}
