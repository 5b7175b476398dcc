import * as tf from "@tensorflow/tfjs";

/**
 * Sum of the values where the mask is 1.
 *
 * @param values `[tokens]`, finite.
 * @param mask `[tokens]`, 0 or 1.
 * @returns `[]`.
 */
export function maskedSum(values: tf.Tensor1D, mask: tf.Tensor1D): tf.Scalar {
  return tf.sum(tf.mul(values, mask));
}
