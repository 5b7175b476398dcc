import * as tf from "@tensorflow/tfjs";

/**
 * Root-mean-square layer normalization (arXiv:1910.07467, eq. 4): each row of `x` divided by its
 * root mean square, times a learned gain. Unlike layer normalization it subtracts no mean.
 *
 * @param x `[rows, width]`.
 * @param gain `[width]`.
 * @param epsilon Added to the mean square, > 0.
 * @returns `[rows, width]`.
 *
 * @example A row whose root mean square is 5
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import * as tf from "@tensorflow/tfjs";
 * import { rmsNorm } from "./rms_norm.ts";
 *
 * await tf.setBackend("cpu");
 * const y = await rmsNorm(tf.tensor2d([[1, 7]]), tf.tensor1d([1, 2]), 1e-12).data();
 * assertAlmostEquals(y[0]!, 1 / 5, 1e-6); // sqrt((1 + 49) / 2) = 5
 * assertAlmostEquals(y[1]!, 14 / 5, 1e-6);
 * ```
 */
export function rmsNorm(x: tf.Tensor2D, gain: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  const normalize = tf.customGrad((x, gain, save) => {
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x as tf.Tensor), -1, true), epsilon)); // [rows, 1]
    const unit = tf.mul(x as tf.Tensor, scale); // [rows, width]
    (save as tf.GradSaveFunc)([unit, scale, gain as tf.Tensor]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [unit, scale, gain] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const dUnit = tf.mul(dy, gain);
      const along = tf.mean(tf.mul(dUnit, unit), -1, true); // what a change of length undoes
      return [
        tf.mul(scale, tf.sub(dUnit, tf.mul(unit, along))),
        columnSums(tf.mul(dy, unit) as tf.Tensor2D),
      ];
    };
    return { value: tf.mul(unit, gain as tf.Tensor), gradFunc };
  });
  return normalize(x, gain) as tf.Tensor2D;
}

/** Sums of columns as a matrix product: tfjs's own sum over a leading axis transposes first. */
function columnSums(x: tf.Tensor2D): tf.Tensor1D {
  return tf.matMul(tf.ones([1, x.shape[0]]), x).reshape([x.shape[1]]);
}
